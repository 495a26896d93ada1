// Package repo is firn's repository engine: it stores images of databases as
// snapshots in a [store.Store], gives them back, forgets them, frees the space
// of what nobody needs any more, and checks what is there.
//
// # Words
//
// An image is the bytes of one database at one moment. It is cut into chunks;
// chunks, and the nodes of the tree that lists them, are blobs. Blobs live in
// packs. A snapshot is a small record that names the root of an image's tree and
// says where and when it came from. Plans are the messages by which prunes tell
// everybody else which packs will go away.
//
// # Who may do what at the same time
//
// Everything, from any number of hosts, without locks: docs/format.md,
// section 6, has the protocol, docs/design.md, "Why the protocol is safe", its
// proof, protocol_model_test.go a model of it that tries every interleaving. A [Repo] itself is for one goroutine.
//
// # Use
//
// [Init] makes a repository, [Open] opens one. [Repo.Backup] takes a snapshot
// of a [SourceImage]; [Repo.Snapshots] lists, [Repo.OpenImage] reads one back.
// [Repo.Forget] and [Repo.Prune] remove, [Repo.Check] verifies, [Repo.Diagnose]
// and [Repo.Repair] put right what is damaged.
package repo
