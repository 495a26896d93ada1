package repo

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"firn/chunk"
	"firn/crypt"
)

// configName is the object that makes a store a repository
// (docs/format.md, section 2).
const configName = metaPrefix + "config"

const (
	formatName    = "firn"
	formatVersion = 1
)

// DefaultChunkSizes are the ones of new repositories, unless others are asked for. See
// docs/design.md, "Chunk sizes".
var DefaultChunkSizes = ChunkSizes{Min: 64 << 10, Max: 512 << 10, AverageBits: 17}

// config is the content of the configuration object. It is public but for the
// polynomial's seed, which comes from the key.
type config struct {
	Format  string             `json:"format"`
	Version int                `json:"version"`
	ID      crypt.RepositoryID `json:"id"`
	Created time.Time          `json:"created"`
	Chunk   ChunkSizes         `json:"chunk"`
}

// ChunkSizes say how long chunks are. They are chosen when a repository is made.
type ChunkSizes struct {
	Min         int `json:"min"`          // bytes
	Max         int `json:"max"`          // bytes
	AverageBits int `json:"average_bits"` // a cut every 2^n bytes past Min, on random data
}

// configFile is the object: the MAC covers the bytes of Config as they stand.
type configFile struct {
	Config json.RawMessage `json:"config"`
	MAC    string          `json:"mac"`
}

func newConfig(id crypt.RepositoryID, now time.Time, sizes ChunkSizes) config {
	return config{
		Format:  formatName,
		Version: formatVersion,
		ID:      id,
		Created: now.UTC().Truncate(time.Second),
		Chunk:   sizes,
	}
}

func (c config) marshal(keys *crypt.Keys) ([]byte, error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode configuration: %w", err)
	}
	mac := keys.ConfigMAC(plain)
	return json.Marshal(configFile{Config: plain, MAC: hex.EncodeToString(mac[:])})
}

// parseConfig reads the configuration object without trusting it: the MAC can
// be checked only once a key slot, which needs the repository's ID, was opened.
func parseConfig(b []byte) (config, configFile, error) {
	var file configFile
	var c config
	if err := json.Unmarshal(b, &file); err != nil {
		return c, file, badConfig(err)
	}
	if err := checkFormat(file.Config); err != nil {
		return c, file, err
	}
	if err := json.Unmarshal(file.Config, &c); err != nil {
		return c, file, badConfig(err)
	}
	// The MAC does not cover the rest of the object.
	if again, err := json.Marshal(file); err != nil || !bytes.Equal(again, b) {
		return c, file, badConfig(errors.Join(errors.New("not as it was written"), err))
	}
	return c, file, nil
}

// checkFormat looks at the version alone: in a later one, the other fields may be
// of any type.
func checkFormat(conf []byte) error {
	var head struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(conf, &head); err != nil {
		return badConfig(err)
	}
	if head.Format != formatName || head.Version < 1 {
		return badConfig(fmt.Errorf("format %q, version %d", head.Format, head.Version))
	}
	if head.Version > formatVersion {
		return fmt.Errorf("%w: it has format version %d, this one knows %d", ErrVersion, head.Version, formatVersion)
	}
	return nil
}

func badConfig(err error) error {
	return &CorruptError{Kind: "config", Name: configName, Err: err}
}

// verify checks the configuration's MAC.
func (f configFile) verify(keys *crypt.Keys) error {
	mac, err := hex.DecodeString(f.MAC)
	if err == nil {
		err = keys.CheckConfigMAC(f.Config, mac)
	}
	if err == nil && hex.EncodeToString(mac) != f.MAC {
		err = errors.New("upper-case MAC")
	}
	if err != nil {
		return badConfig(err)
	}
	return nil
}

// params returns where chunks may end in this repository.
func (c config) params(keys *crypt.Keys) (chunk.Params, error) {
	p, err := c.Chunk.params(keys)
	if err != nil {
		return chunk.Params{}, badConfig(err)
	}
	return p, nil
}

func (s ChunkSizes) params(keys *crypt.Keys) (chunk.Params, error) {
	polynomial, err := chunk.DerivePolynomial(keys.ChunkerSeed())
	if err != nil {
		return chunk.Params{}, fmt.Errorf("derive chunker polynomial: %w", err)
	}
	p := chunk.Params{Min: s.Min, Max: s.Max, AverageBits: s.AverageBits, Polynomial: polynomial}
	return p, p.Validate()
}

// storedConfig reads the configuration in the store, and returns an error if it is damaged.
func (r *Repo) storedConfig(ctx context.Context) error {
	b, err := whole(ctx, r.store, configName)
	if errors.Is(err, fs.ErrNotExist) {
		return badConfig(err)
	}
	if err != nil {
		return err
	}
	return r.openConfig(b)
}

func (r *Repo) openConfig(b []byte) error {
	_, file, err := parseConfig(b)
	if err != nil {
		return err
	}
	return file.verify(r.keys)
}
