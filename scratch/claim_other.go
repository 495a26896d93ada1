//go:build !unix

package scratch

// Take claims nothing: folders cannot be locked here.
func Take(string) (*Claim, error) { return nil, nil }
