package cmd

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firn/config"
	"firn/crypt"
	"firn/outcome"
	"firn/repo"
	"firn/session"
	"firn/site"
	"firn/store"
)

func newInit(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "init",
		Short:   "Make a repository",
		GroupID: groupSpace,
		Long: `Makes a repository. An existing one is left as it is.

With no key given, or a key file that does not exist, firn makes a key file, and a
recovery key, which it shows once. Store copies of both elsewhere: without a key
nobody can read the repository, and firn cannot help.`,
		Example: `  firn init --repository /mnt/backup/firn
  firn init --repository /mnt/backup/firn --key-file /etc/firn/key`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.start()
			if err != nil {
				return err
			}
			return (&initialization{opened: s}).run(cmd.Context())
		},
	}
	c.addJSONFlag(cmd)
	return cmd
}

// initialization is one run of init.
type initialization struct {
	*opened
	store    store.Store
	keys     []repo.NewKey
	keyFile  string // to be written; "" if none is
	used     string // the key file that was there
	key      crypt.KeyFile
	recovery crypt.KeyFile
}

type initMessage struct {
	Type       string `json:"message_type"` // "summary"
	Repository string `json:"repository"`
	ID         string `json:"id"`
	KeyFile    string `json:"key_file,omitempty"`     // if one was made
	Recovery   string `json:"recovery_key,omitempty"` // likewise
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
	r, err := repo.Init(ctx, opts, i.keys...)
	if err != nil {
		return i.keepKey(fmt.Errorf("make repository in %s: %w", i.Place, err))
	}
	i.Repo = r
	defer i.Close()
	return i.tell(r)
}

// keepKey leaves the key file that was made where it is, whatever failed: the repository may
// be there although its store has said something else, and another run that has found the
// file may have made one with it.
func (i *initialization) keepKey(err error) error {
	if i.keyFile == "" {
		return err
	}
	_, hint := outcome.Classify(err)
	return outcome.New(err, 0, strings.TrimSpace(hint+" The key file "+i.keyFile+" stays: a repository that was made may need it, and the next firn init takes it."))
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
		i.used = k.KeyFile
	}
	i.keys = []repo.NewKey{{Credential: credential, Label: label}}
	return nil
}

func (i *initialization) makeKeys(path string) (err error) {
	if i.keyFile, err = filepath.Abs(path); err != nil {
		return err
	}
	i.key, i.recovery = crypt.NewKeyFile(), crypt.NewKeyFile()
	i.keys = []repo.NewKey{
		{Credential: i.key.Credential(), Label: session.KeyLabel("key file", filepath.Base(path))},
		{Credential: i.recovery.Credential(), Label: "recovery key"},
	}
	return nil
}

// openStore makes the folder, unless there is a repository: then nothing at all
// is to be written.
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

// probe writes to a bucket for the first time: what is wrong with it shows
// before a key is made.
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

// writeKey comes before the repository: without its key that would be lost.
func (i *initialization) writeKey() error {
	if i.keyFile == "" {
		return nil
	}
	return session.WriteKeyFile(i.keyFile, i.key, i.Now().UTC().Format(time.DateOnly))
}

func (i *initialization) tell(r *repo.Repo) error {
	m := initMessage{Type: "summary", Repository: i.Place.String(), ID: r.ID().String(), KeyFile: i.keyFile}
	if i.keyFile != "" {
		m.Recovery = i.recovery.String()
	}
	if i.json {
		return i.printJSON(m)
	}
	i.Done("Made repository %s", m.Repository)
	if i.used != "" {
		i.Done("The key is in %s", i.used)
		i.note(`No recovery key was made, as that file was there: "firn key add" adds another key.`)
	}
	if m.KeyFile == "" {
		return nil
	}
	// Printed with --quiet too: it is shown this one time only.
	_, err := fmt.Fprintf(i.stdout, `Key file:     %s
Recovery key: %s

Store a copy of the key file, and the recovery key, on other machines or on paper:
without one of them nobody can read the backups. The recovery key is shown only now.
Saved as the one line of a file, it works as a key file.
`, m.KeyFile, m.Recovery)
	return err
}
