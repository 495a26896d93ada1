package cmd

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"firn/outcome"
	"firn/upkeep"
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
			c.applyFlags()
			made, err := upkeep.Init(cmd.Context(), c.program)
			if err != nil {
				return err
			}
			defer made.Session.Close()
			return c.reportMade(made)
		},
	}
	c.addJSONFlag(cmd)
	return cmd
}

type initMessage struct {
	Type       string `json:"message_type"` // "summary"
	Repository string `json:"repository"`
	ID         string `json:"id"`
	KeyFile    string `json:"key_file,omitempty"`     // if one was made
	Recovery   string `json:"recovery_key,omitempty"` // likewise
}

func (c *cli) reportMade(made *upkeep.Made) error {
	s := made.Session
	m := initMessage{Type: "summary", Repository: s.Place.String(), ID: s.Repo.ID().String(), KeyFile: made.KeyFile}
	if m.KeyFile != "" {
		m.Recovery = made.Recovery.String()
	}
	if c.json {
		return c.printJSON(m)
	}
	c.Done("Made repository %s", m.Repository)
	if made.UsedFile != "" {
		c.Done("The key is in %s", made.UsedFile)
		c.note(`No recovery key was made, as that file was there: "firn key add" adds another key.`)
	}
	if m.KeyFile == "" {
		return nil
	}
	// Printed with --quiet too: it is shown this one time only.
	_, err := fmt.Fprintf(pager{c.stdout}, `Key file:     %s
Recovery key: %s

Store a copy of the key file, and the recovery key, on other machines or on paper:
without one of them nobody can read the backups. The recovery key is shown only now.
Saved as the one line of a file, it works as a key file.
`, m.KeyFile, m.Recovery)
	if errors.Is(err, errUnread) {
		return outcome.Failed(`"firn key add" makes another one.`, "nothing has read the recovery key, which is not shown again")
	}
	return err
}
