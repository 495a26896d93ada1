// Package repo is firn's repository engine: it stores images of databases as
// snapshots in a [store.Store], gives them back, forgets them, frees the space
// that no snapshot needs any more, and checks the repository.
//
// # Words
//
// An image is the bytes of one database at one moment. It is cut into chunks;
// chunks, and the nodes of the tree that lists them, are blobs. Blobs live in
// packs. A snapshot is a small record that names the root of an image's tree and
// says where and when it came from. Plans are the messages by which prunes tell
// all others which packs will go away.
//
// # Operations at the same time
//
// Any number of hosts may do everything at the same time, without locks: docs/format.md,
// section 6, has the protocol, docs/design.md, "Why the protocol is safe", its
// proof, protocol_model_test.go a model of it that tries every interleaving. Within a
// process, any number of goroutines may use one [Repo].
//
// # One package
//
// The package is larger than others, because protocol, collection of garbage, repair and
// copying are one proof: each may take its steps only because all the others keep to theirs.
// Parts that the proof does not need are packages of their own: cutting and deltas, packs,
// the index, records, retention, keys.
//
// # Use
//
// [Init] makes a repository, [Open] opens one. [Repo.Backup] takes a snapshot
// of a [SourceImage]; [Repo.Snapshots] lists, [Repo.OpenImage] reads one back.
// [Repo.Forget] and [Repo.Prune] remove, [Repo.Check] verifies, [Repo.Diagnose]
// and [Repo.Repair] put damaged repositories right.
package repo
