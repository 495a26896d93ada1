package store

import "context"

// Traffic counts the requests to a server and the bytes of its connections.
type Traffic struct {
	Lists, Puts, Gets, Heads, Deletes, Others int64 // requests
	Sent, Received                            int64 // bytes, including those of the protocol
}

// Requests returns the number of all requests.
func (t Traffic) Requests() int64 {
	return t.Lists + t.Puts + t.Gets + t.Heads + t.Deletes + t.Others
}

// Counter is a store that counts its requests to a server.
type Counter interface {
	// Traffic returns the counts so far, repeated requests included.
	Traffic() Traffic
}

// Prober is a store whose server can lack what firn needs.
type Prober interface {
	// Probe writes to the store for the first time. It reports whether the server refuses to write over an object, and
	// returns an error for a store that cannot be used.
	Probe(ctx context.Context) (conditional bool, err error)
}

// Creator is a store in a folder that may be missing.
type Creator interface {
	// Create makes the folder, and all missing folders above it, durably. A folder that is there stays as it is.
	Create(ctx context.Context) error
}
