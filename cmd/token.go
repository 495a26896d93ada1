package cmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"firn/access"
	"firn/outcome"
	"firn/report"
)

func newToken(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Say who may ask the server for what",
		Long: `Programs, and people, show a token to "firn serve". A token has a scope, environments and an
end. The server's host keeps only hashes of tokens, for each repository.`,
		Args: cobra.ArbitraryArgs,
		RunE: runRoot,
	}
	cmd.AddCommand(newTokenAdd(c), newTokenList(c), newTokenRemove(c))
	return cmd
}

// tokenOptions are the flags of token add.
type tokenOptions struct {
	scopes       []string
	env, expires string
}

func newTokenAdd(c *cli) *cobra.Command {
	var o tokenOptions
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a token and show it once",
		Long: `Makes a token and prints it once. A program sends it as "Authorization: Bearer TOKEN".

The scopes are:

` + scopeHelp() + `
The server, and this command, run as the same user on the same host.`,
		Example: `  firn token add --scope status prometheus
  firn token add --scope stream --env production --expires 365d offsite`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return c.addToken(args[0], o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringSliceVar(&o.scopes, "scope", nil, "`scope`: status, read, stream, restore or admin")
	complete(cmd, "scope", "status", "read", "stream", "restore", "admin")
	f.StringVar(&o.env, "env", "*", "`pattern` of the environments, such as tenant-*")
	f.StringVar(&o.expires, "expires", "90d", "`time` after which it ends, or never")
	c.addJSONFlag(cmd)
	return cmd
}

// scopeHelp lists the scopes.
func scopeHelp() string {
	var b strings.Builder
	for _, s := range access.Scopes() {
		fmt.Fprintf(&b, "  %-8s %s\n", s, s.For())
	}
	return b.String()
}

// tokenMessage is a token in JSON.
type tokenMessage struct {
	Type string `json:"message_type"` // "token"
	access.Grant
	Token string `json:"token,omitempty"` // of a new one
}

// addToken runs the command.
func (c *cli) addToken(name string, o tokenOptions) error {
	grant, err := access.NewGrant(name, o.scopes, o.env, o.expires, c.program.Now())
	if err != nil {
		return err
	}
	tokens, err := c.tokens()
	if err != nil {
		return err
	}
	token, err := tokens.Add(context.Background(), grant) // it takes no time, and an interrupted one would be lost
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(tokenMessage{"token", grant, token.Reveal()})
	}
	c.note("This is the only time that the token is shown:")
	c.printMessage(c.stdout, "", "%s", token.Reveal())
	return nil
}

// tokens opens the tokens of the repository, which is not opened itself.
func (c *cli) tokens() (*access.File, error) {
	s, err := c.start()
	if err != nil {
		return nil, err
	}
	return s.openTokens()
}

// accessDir returns the folder of tokens and of the log of changes, "" if there is no place for it.
func (s *opened) accessDir() string {
	dir := s.StateDir()
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "serve")
}

// openTokens opens the tokens of the repository.
func (s *opened) openTokens() (*access.File, error) {
	dir := s.accessDir()
	if dir == "" {
		return nil, outcome.New(errors.New("there is no folder for tokens"), 0, "FIRN_STATE_DIR names one.")
	}
	return access.Open(dir, s.Now)
}

func newTokenList(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the tokens",
		Args:  noArguments,
		RunE:  func(*cobra.Command, []string) error { return c.listTokens() },
	}
	c.addJSONFlag(cmd)
	return cmd
}

// listTokens runs the command.
func (c *cli) listTokens() error {
	tokens, err := c.tokens()
	if err != nil {
		return err
	}
	list, err := tokens.List()
	if err != nil {
		return err
	}
	if c.json {
		messages := make([]tokenMessage, 0, len(list))
		for _, g := range list {
			messages = append(messages, tokenMessage{"token", g, ""})
		}
		return c.printJSON(messages)
	}
	if len(list) == 0 {
		c.note("No tokens.")
		return nil
	}
	rows := make([][]string, 0, len(list))
	for _, g := range list {
		rows = append(rows, c.tokenRow(g))
	}
	return c.table(c.stdout, []string{"Name", "Scope", "Environments", "Expires", "Used"}, rows)
}

// tokenRow returns the cells of a token.
func (c *cli) tokenRow(g access.Grant) []string {
	now, expires, used := c.program.Now(), "never", "never"
	if !g.Expires.IsZero() {
		expires = c.program.When(g.Expires)
	}
	if g.Expired(now) {
		expires = "EXPIRED"
	}
	if !g.Used.IsZero() {
		used = report.Ago(now.Sub(g.Used))
	}
	return []string{g.Name, access.JoinScopes(g.Scopes), g.Environment, expires, used}
}

func newTokenRemove(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Make a token useless at once",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			tokens, err := c.tokens()
			if err != nil {
				return err
			}
			if err := tokens.Remove(context.Background(), args[0]); err != nil {
				return err
			}
			c.Done("Removed token %q", args[0])
			return nil
		},
	}
	return cmd
}
