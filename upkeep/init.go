package upkeep

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"firn/config"
	"firn/crypt"
	"firn/outcome"
	"firn/repo"
	"firn/session"
	"firn/site"
	"firn/store"
)

// Made is a repository that was made.
type Made struct {
	Session  *session.Session // it is open, without a cache; the caller closes it
	KeyFile  string           // absolute path of the key file that was made; "" if none was
	Recovery crypt.KeyFile    // a second key, which is stored nowhere; only if a key file was made
	UsedFile string           // the key file that was there before; "" if none was
}

// Init makes a repository where the caller's settings, the environment variables and the configuration say. One that is
// there is left as it is, and is an error that matches [repo.ErrExists].
//
// The key is the one that they name. If they name none, or a key file that does not exist, a key file is made, before the
// repository, and a recovery key. The key file stays, whatever fails after that.
func Init(ctx context.Context, c *session.Caller) (*Made, error) {
	s, err := c.Start(session.OpenOptions{})
	if err != nil {
		return nil, err
	}
	i := &initialization{Session: s}
	if err := i.run(ctx); err != nil {
		s.ClosePlace()
		return nil, err
	}
	i.made.Session = s
	return &i.made, nil
}

// initialization is one making of a repository.
type initialization struct {
	*session.Session
	store store.Store
	keys  []repo.NewKey
	key   crypt.KeyFile // to be written into the file that is made
	made  Made
}

func (i *initialization) run(ctx context.Context) error {
	if err := i.chooseKeys(ctx); err != nil {
		return err
	}
	if err := i.openStore(ctx); err != nil {
		return err
	}
	if err := i.writeKey(); err != nil {
		return err
	}
	opts, err := i.Options()
	if err != nil {
		return err
	}
	opts.Store = i.store
	if i.Repo, err = repo.Init(ctx, opts, i.keys...); err != nil {
		return i.keepKey(fmt.Errorf("make repository in %s: %w", i.Place, err))
	}
	return nil
}

// keepKey leaves the key file that was made where it is, whatever failed. The repository may be there although its store
// has said something else, and another run that has found the file may have made a repository with it.
func (i *initialization) keepKey(err error) error {
	if i.made.KeyFile == "" {
		return err
	}
	_, hint := outcome.Classify(err)
	return outcome.New(err, 0, strings.TrimSpace(hint+" The key file "+i.made.KeyFile+" stays: a repository that was made may need it, and the next firn init takes it."))
}

// chooseKeys takes the key that is given, or makes one.
func (i *initialization) chooseKeys(ctx context.Context) error {
	k, err := i.KeySource(i.Conf)
	if err != nil {
		return err
	}
	if k.Count() == 0 {
		k.KeyFile = filepath.Join(i.Conf.Dir(), session.KeyFileName)
	}
	if k.KeyFile != "" && k.KeyFile != config.StandardInput && site.Missing(k.KeyFile) {
		return i.makeKeys(k.KeyFile)
	}
	credential, err := i.ReadKey(ctx, k)
	if err != nil {
		return err
	}
	if err := credential.CheckStrength(); err != nil { // before anything is written
		return err
	}
	label := session.KeyLabel("password", "")
	switch k.KeyFile {
	case "":
	case config.StandardInput:
		label = session.KeyLabel("key file", "")
	default:
		label = session.KeyLabel("key file", filepath.Base(k.KeyFile))
		i.made.UsedFile = k.KeyFile
	}
	i.keys = []repo.NewKey{{Credential: credential, Label: label}}
	return nil
}

func (i *initialization) makeKeys(path string) (err error) {
	if i.made.KeyFile, err = filepath.Abs(path); err != nil {
		return err
	}
	i.key, i.made.Recovery = crypt.NewKeyFile(), crypt.NewKeyFile()
	i.keys = []repo.NewKey{
		{Credential: i.key.Credential(), Label: session.KeyLabel("key file", filepath.Base(path))},
		{Credential: i.made.Recovery.Credential(), Label: "recovery key"},
	}
	return nil
}

// openStore makes the folder. If there is a repository, it writes nothing at all.
func (i *initialization) openStore(ctx context.Context) error {
	st, err := i.CreateStore(ctx)
	if err != nil {
		return err
	}
	for _, err := range st.List(ctx, repoConfig) {
		return fmt.Errorf("make repository in %s: %w", i.Place, cmp.Or(err, repo.ErrExists))
	}
	i.store = st
	return i.probe(ctx)
}

// probe writes to a bucket for the first time, so that an error of the bucket shows before a key is made.
func (i *initialization) probe(ctx context.Context) error {
	prober, ok := i.store.(store.Prober)
	if !ok {
		return nil
	}
	conditional, err := prober.Probe(ctx)
	if err != nil {
		return fmt.Errorf("make repository in %s: %w", i.Place, err)
	}
	if !conditional {
		i.WarnUnconditional()
	}
	return nil
}

// repoConfig is the object that every repository has (docs/format.md).
const repoConfig = "meta/config"

// writeKey writes the key file. It comes before the repository, which would be lost without its key.
func (i *initialization) writeKey() error {
	if i.made.KeyFile == "" {
		return nil
	}
	return session.WriteKeyFile(i.made.KeyFile, i.key, i.Now().UTC().Format(time.DateOnly))
}
