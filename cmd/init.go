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
		Use:   "init",
		Short: "Make a repository",
		Long: `Makes a repository. An existing one is left as it is.

If no key is given, or the given key file does not exist, firn makes a key file and a
recovery key, which it shows once. Store copies of both elsewhere: without a key the
repository cannot be read by anyone, and firn cannot help.`,
		Example: `  firn init --repository /mnt/backup/firn
  firn init --repository /mnt/backup/firn --key-file /etc/firn/key`,
		Args: placeIsFlag,
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

// placeIsFlag refuses arguments. The first one is most likely the place of the new repository.
func placeIsFlag(cmd *cobra.Command, args []string) error {
	err := noArguments(cmd, args)
	if err != nil {
		return outcome.Usage(fmt.Sprintf("The place of the repository is a flag: firn init --repository %s", args[0]), "%w", err)
	}
	return nil
}

// initMessage is the new repository in JSON.
type initMessage struct {
	Type       string `json:"message_type"` // "summary"
	Repository string `json:"repository"`
	ID         string `json:"id"`
	KeyFile    string `json:"key_file,omitempty"`     // if firn has made one
	Recovery   string `json:"recovery_key,omitempty"` // likewise
}

// reportMade prints the new repository and its keys. The recovery key is printed this one time.
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
	// The keys are printed with --quiet, too, because the recovery key is shown only now.
	_, err := fmt.Fprintf(pager{c.stdout}, `Key file:     %s
Recovery key: %s

Store a copy of the key file, and the recovery key, on other machines or on paper:
without one of them the backups cannot be read. The recovery key is shown only now.
If it is the only line of a file, that file works as a key file.
`, m.KeyFile, m.Recovery)
	if errors.Is(err, errUnread) {
		return outcome.Failed(`"firn key add" makes another one.`, "nothing has read the recovery key, which is not shown again")
	}
	return err
}
