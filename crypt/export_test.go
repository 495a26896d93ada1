package crypt

import "io"

// SetRandom makes the nonces of k predictable, for golden bytes.
func (k *Keys) SetRandom(random io.Reader) { k.random = random }

// Seal seals a slot with parameters that the test has chosen.
func (s *Slot) Seal(random io.Reader, secret Secret, repo RepositoryID, c Credential) error {
	return s.seal(random, secret, repo, c)
}
