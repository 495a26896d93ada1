package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"firn/chunk"
	"firn/crypt"
	"firn/internal/damage"
	"firn/pack"
	"firn/snapshot"
	"firn/store"
	"firn/store/local"
	"firn/tags"
)

// shape describes the past that a repository gets.
type shape struct {
	snapshots    int
	environments int
	packs        int // one for each of the newest runs; the packs of older runs were merged
}

const (
	every  = 12 * time.Minute // between two runs
	merged = 400              // runs in one merged pack
)

// grower gives a past to a repository with one real snapshot: older snapshots of databases
// that differ from it in one chunk each. Objects are sealed as backups do it, but written
// without a look at the store, and without fsync.
type grower struct {
	dir  string
	keys *crypt.Keys

	newest *snapshot.Snapshot
	tree   []chunk.Entry // the chunks of the newest image, which has one node
	plain  []byte        // plaintext of the first chunk
	first  pack.Entry    // of the first chunk

	encoder *chunk.Encoder
	writer  *pack.Writer
	held    int // snapshots in the open pack
}

// grow makes a past of a shape for the repository in dir.
func grow(ctx context.Context, dir, keyFile string, s shape) error {
	g, err := openGrower(ctx, dir, keyFile)
	if err != nil {
		return err
	}
	for i := 1; i < s.snapshots; i++ {
		if err := g.add(i, s); err != nil {
			return fmt.Errorf("make snapshot %d: %w", i, err)
		}
	}
	return g.storePack(g.time(s.snapshots))
}

func openGrower(ctx context.Context, dir, keyFile string) (*grower, error) {
	st, err := local.Open(dir)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	key, err := crypt.ParseKeyFile(text)
	if err != nil {
		return nil, err
	}
	g := &grower{dir: dir}
	if g.keys, err = damage.Keys(ctx, st, key.Credential()); err != nil {
		return nil, err
	}
	if g.encoder, err = chunk.NewEncoder(); err != nil {
		return nil, err
	}
	return g, errors.Join(g.readSnapshot(ctx, st), g.readPack(ctx, st))
}

// readSnapshot reads the record of the one snapshot.
func (g *grower) readSnapshot(ctx context.Context, st store.Store) error {
	for o, err := range st.List(ctx, snapshot.Prefix) {
		if err != nil {
			return err
		}
		sealed, err := st.Get(ctx, o.Name, 0, -1)
		if err != nil {
			return err
		}
		plain, err := g.keys.OpenObject(crypt.ObjectSnapshot, o.Name, sealed)
		if err != nil {
			return err
		}
		g.newest, err = snapshot.Unmarshal(plain)
		return err
	}
	return snapshot.ErrNotFound
}

// readPack reads the tree's node and the first chunk from the one pack.
func (g *grower) readPack(ctx context.Context, st store.Store) error {
	for o, err := range st.List(ctx, pack.Prefix) {
		if err != nil {
			return err
		}
		object, err := st.Get(ctx, o.Name, 0, -1)
		if err != nil {
			return err
		}
		id, _ := pack.ParseName(o.Name)
		entries, _, err := pack.ParseTail(g.keys, id, o.Size, object)
		if err != nil {
			return err
		}
		node, err := g.blob(object, entries[len(entries)-1])
		if err != nil {
			return err
		}
		if _, g.tree, err = chunk.DecodeNode(node); err != nil {
			return err
		}
		g.first = entries[slices.IndexFunc(entries, func(e pack.Entry) bool { return e.ID == g.tree[0].ID })]
		g.plain, err = g.blob(object, g.first)
		return err
	}
	return errors.New("no pack")
}

func (g *grower) blob(object []byte, e pack.Entry) ([]byte, error) {
	payload, err := pack.OpenBlob(g.keys, nil, e, object[e.Offset:][:e.Length])
	if err != nil {
		return nil, err
	}
	d, err := chunk.NewDecoder()
	if err != nil {
		return nil, err
	}
	return d.Decode(nil, payload, nil)
}

// time returns when the i-th snapshot before the newest was taken.
func (g *grower) time(i int) time.Time { return g.newest.Time.Add(-time.Duration(i) * every) }

// add makes the i-th snapshot before the newest.
func (g *grower) add(i int, s shape) error {
	if g.writer == nil {
		g.writer = pack.NewWriter(g.keys, pack.NewID())
	}
	record := g.record(i, s.environments)
	root, err := g.image(uint64(i))
	if err != nil {
		return err
	}
	record.Images = slices.Clone(g.newest.Images)
	record.Images[0].Root = root
	if err := g.storeRecord(record); err != nil {
		return err
	}
	if g.held++; i < s.packs || g.held == merged {
		return g.storePack(record.Time)
	}
	return nil
}

// image adds the blobs of an image, and returns its root.
func (g *grower) image(i uint64) (chunk.ID, error) {
	plain := slices.Clone(g.plain)
	for at := 0; at < 8; at++ {
		binary.LittleEndian.PutUint64(plain[len(plain)/8*at:], i<<8|uint64(at))
	}
	id := chunk.ID(g.keys.BlobID(crypt.BlobKind(chunk.Data), plain))
	payload := g.encoder.EncodeDelta(nil, plain, g.plain)
	g.put(pack.Entry{Kind: chunk.Data, ID: id, Codec: chunk.Delta, Depth: 1, Base: g.first.ID, Plain: uint32(len(plain))}, payload)
	var list chunk.List
	list.Append(chunk.Entry{ID: id, Span: uint64(len(plain))})
	for _, e := range g.tree[1:] {
		list.Append(e)
	}
	name := func(kind chunk.Kind, plain []byte) chunk.ID { return g.keys.BlobID(crypt.BlobKind(kind), plain) }
	tree, err := chunk.Build(list, name, func(n chunk.NewNode) error {
		payload := g.encoder.Encode(nil, n.Plain)
		codec, _, err := chunk.PayloadCodec(payload)
		g.put(pack.Entry{Kind: chunk.Node, ID: n.ID, Codec: codec, Plain: uint32(len(n.Plain))}, payload)
		return err
	})
	if err != nil {
		return id, err
	}
	return tree.Root(), nil
}

func (g *grower) put(e pack.Entry, payload []byte) {
	g.writer.Add(e, pack.SealBlob(g.keys, nil, e, payload))
}

// record returns the record of a run, without its image.
func (g *grower) record(i, environments int) *snapshot.Snapshot {
	s := *g.newest
	s.ID, s.Time = snapshot.NewID(), g.time(i).Truncate(time.Microsecond)
	s.Environment = environmentName(i % environments)
	s.Tags, _ = tags.New(tags.Environment(s.Environment), tags.Database(s.Database)) // are valid
	s.Parent, s.Previous = snapshot.NewID(), snapshot.NewID()                        // of forgotten snapshots
	s.Packs, s.Added = []string{g.writer.ID().String()}, 3000
	return &s
}

func (g *grower) storeRecord(s *snapshot.Snapshot) error {
	plain, err := s.Marshal()
	if err != nil {
		return err
	}
	return g.write(s.ObjectName(), g.keys.SealObject(crypt.ObjectSnapshot, s.ObjectName(), plain), s.Time)
}

// storePack stores the open pack, unless it is empty.
func (g *grower) storePack(at time.Time) error {
	if g.held == 0 {
		return nil
	}
	object, _, _, err := g.writer.Finish()
	if err != nil {
		return err
	}
	name := g.writer.ID().Name()
	g.writer, g.held = nil, 0
	return g.write(name, object, at)
}

// write writes a file with the time of its content, because prunes look at that time.
func (g *grower) write(name string, b []byte, at time.Time) error {
	path := filepath.Join(g.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return err
	}
	return os.Chtimes(path, at, at)
}
