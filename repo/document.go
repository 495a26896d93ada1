package repo

import (
	"crypto/rand"
	"encoding/json"
	"fmt"

	"firn/crypt"
)

// newName returns a name that no object ever had: a prefix and random bytes in hexadecimal.
func newName(prefix string, bytes int) string {
	random := make([]byte, bytes)
	_, _ = rand.Read(random) // never fails: the runtime ends the program instead
	return fmt.Sprintf("%s%x", prefix, random)
}

// openDocument decodes the JSON document that is sealed as a whole object.
func openDocument(keys *crypt.Keys, kind crypt.ObjectKind, name string, object []byte, into any) error {
	plain, err := keys.OpenObject(kind, name, object)
	if err != nil {
		return err
	}
	return unmarshalVersion(plain, into)
}

// unmarshalVersion decodes a JSON document whose "v" must be ours. In one of a later
// version, the other fields may be of any type.
func unmarshalVersion(plain []byte, into any) error {
	var head struct {
		Version int `json:"v"`
	}
	if err := json.Unmarshal(plain, &head); err != nil {
		return err
	}
	if head.Version > formatVersion {
		return fmt.Errorf("%w: version %d", crypt.ErrVersion, head.Version)
	}
	if head.Version < formatVersion {
		return fmt.Errorf("version %d", head.Version)
	}
	return json.Unmarshal(plain, into)
}
