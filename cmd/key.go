package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"firn/crypt"
	"firn/repo"
	"firn/session"
	"firn/upkeep"
)

func newKey(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "List, add, rotate and remove keys; generate a key file",
		Long: `A repository can have any number of keys: key files and passwords. Each opens it.
If an intruder had the key and a copy of the repository, or has opened the repository,
removing or rotating the key does not help: make a new repository and copy to it
("firn copy").`,
		Args: cobra.ArbitraryArgs,
		RunE: runRoot,
	}
	cmd.AddCommand(newKeyList(c), newKeyAdd(c), newKeyRotate(c), newKeyRemove(c), newKeyGenerate(c))
	return cmd
}

// withRepository returns a function that runs a command on the open repository.
func (c *cli) withRepository(f func(ctx context.Context, s *opened) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		s, err := c.open(cmd.Context(), session.OpenOptions{})
		if err != nil {
			return err
		}
		defer s.Close()
		return f(cmd.Context(), s)
	}
}

func newKeyList(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "List the keys", Args: cobra.NoArgs,
		Long: `Lists the keys with their labels. The key that has opened the repository for this command
is in use.`,
		RunE: c.withRepository(listKeys),
	}
	c.addJSONFlag(cmd)
	return cmd
}

// keyMessage is a key in JSON.
type keyMessage struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"` // password or key file
	Label   string    `json:"label"`
	Created time.Time `json:"created"`
	InUse   bool      `json:"in_use"` // it has opened the repository
	Error   string    `json:"error,omitempty"`
}

// listKeys prints the keys. Damaged keys are listed, too, and are the error.
func listKeys(ctx context.Context, s *opened) error {
	keys, err := s.Repo.Keys(ctx)
	if err != nil {
		return err
	}
	messages := make([]keyMessage, 0, len(keys))
	rows := make([][]string, 0, len(keys))
	var damage error
	for _, k := range keys {
		m := newKeyMessage(k)
		messages = append(messages, m)
		if k.Err != nil {
			rows = append(rows, []string{m.ID, "damaged", "", inUse(k), ""})
			damage = errors.Join(damage, k.Err)
			continue
		}
		rows = append(rows, []string{m.ID, m.Kind, s.When(m.Created), inUse(k), m.Label})
	}
	if s.json {
		return errors.Join(s.printJSON(messages), damage)
	}
	return errors.Join(s.table(s.stdout, []string{"ID", "Kind", "Created", "In use", "Label"}, rows), damage)
}

// inUse marks the key that has opened the repository.
func inUse(k repo.Key) string {
	if k.InUse {
		return "yes"
	}
	return ""
}

// newKeyMessage fills a [keyMessage].
func newKeyMessage(k repo.Key) keyMessage {
	m := keyMessage{ID: k.ID, Kind: upkeep.KindOf(k), Label: k.Label, Created: k.Created, InUse: k.InUse}
	if k.Err != nil {
		m.Error = k.Err.Error()
	}
	return m
}

// keyAddOptions are the flags of key add and key rotate.
type keyAddOptions struct {
	keyFile, passwordFile, label string
}

func newKeyAdd(c *cli) *cobra.Command {
	var o keyAddOptions
	cmd := &cobra.Command{
		Use: "add", Short: "Add a key file or a password", Args: cobra.NoArgs,
		Long: `Adds a key file or a password. A key file that does not exist is made. Without a flag,
firn asks for a new password.`,
		RunE: c.withRepository(func(ctx context.Context, s *opened) error { return s.addKey(ctx, o) }),
	}
	o.addFlags(cmd)
	cmd.Flags().StringVar(&o.label, "label", "", "a `text` for the list of keys")
	return cmd
}

// addFlags adds the flags that name a new key.
func (o *keyAddOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.keyFile, "new-key-file", "", "key `file`, made if it does not exist")
	cmd.Flags().StringVar(&o.passwordFile, "new-password-file", "", "`file` with the password in its first line")
	cmd.MarkFlagsMutuallyExclusive("new-key-file", "new-password-file")
}

// newKey returns the key that the flags name. Without flags, a person is asked for a password.
func (o *keyAddOptions) newKey(s *opened) upkeep.NewKey {
	k := upkeep.NewKey{KeyFile: o.keyFile, PasswordFile: o.passwordFile, Label: o.label}
	if s.interactive() {
		k.Ask = s.askNewPassword
	}
	return k
}

// addKey runs key add.
func (s *opened) addKey(ctx context.Context, o keyAddOptions) error {
	done, err := upkeep.AddKey(ctx, s.Session, o.newKey(s))
	if err != nil {
		return err
	}
	s.Done("Added key %s: %s", done.Added, done.Label)
	return nil
}

func newKeyRotate(c *cli) *cobra.Command {
	var o keyAddOptions
	cmd := &cobra.Command{
		Use: "rotate", Short: "Replace the key in use", Args: cobra.NoArgs,
		Long: `Replaces the key that opens the repository now by a new key file or password. Without a
flag, the key stays the same, with a new salt and the key derivation costs of this
version. The new key is tried before the old one is removed. Other keys stay.`,
		Example: `  firn key rotate --new-password-file /etc/firn/password.new`,
		RunE:    c.withRepository(func(ctx context.Context, s *opened) error { return s.rotateKey(ctx, o) }),
	}
	o.addFlags(cmd)
	cmd.Flags().StringVar(&o.label, "label", "", "a `text` for the list of keys")
	return cmd
}

// rotateKey runs key rotate.
func (s *opened) rotateKey(ctx context.Context, o keyAddOptions) error {
	done, err := upkeep.RotateKey(ctx, s.Session, o.newKey(s))
	if err != nil {
		return err
	}
	for _, old := range done.Removed {
		s.Done("Replaced key %s by %s: %s", old.ID, done.Added, cmp.Or(done.Label, old.Label))
	}
	s.warnLockedOut(done)
	return nil
}

// warnLockedOut prints a warning if runs without flags will fail from now on.
func (s *opened) warnLockedOut(done *upkeep.KeyChange) {
	if done.LockedOut != "" {
		s.warn("%s", done.LockedOut)
	}
}

func newKeyRemove(c *cli) *cobra.Command {
	return &cobra.Command{
		Use: "remove ID", Short: "Remove a key", Args: cobra.ExactArgs(1),
		Long: `Removes a key. The key that firn uses for this stays, unless another slot of the
repository has the same key. So a key that is proven to open the repository is always
left.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withRepository(func(ctx context.Context, s *opened) error { return s.removeKey(ctx, args[0]) })(cmd, args)
		},
		SuggestFor: []string{"rm", "delete"},
	}
}

// removeKey runs key remove.
func (s *opened) removeKey(ctx context.Context, prefix string) error {
	done, err := upkeep.RemoveKey(ctx, s.Session, prefix)
	if err != nil {
		return err
	}
	for _, key := range done.Removed {
		s.Done("Removed key %s: %s", key.ID, key.Label)
	}
	s.warnLockedOut(done)
	return nil
}

func newKeyGenerate(c *cli) *cobra.Command {
	return &cobra.Command{
		Use: "generate", Short: "Print a new key file", Args: cobra.NoArgs,
		Long: `Prints the text of a new key file. The key opens no repository until "firn init" or
"firn key add" uses it.`,
		Example: "  (umask 077; firn key generate > /etc/firn/key)",
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(c.stdout, session.KeyFileText(crypt.NewKeyFile(), c.program.Now().UTC().Format(time.DateOnly)))
			return err
		},
	}
}
