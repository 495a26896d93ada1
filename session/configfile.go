package session

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"firn/config"
	"firn/host"
	"firn/outcome"
	"firn/site"
)

// LoadConfig reads the configuration file, if there is one.
func (c *Caller) LoadConfig() (*config.Config, error) {
	path, b, err := c.findConfig()
	if err != nil || path == "" {
		return &config.Config{}, err
	}
	return config.Parse(path, b)
}

// findConfig reads the first configuration file that is there. A file that is named must be there.
func (c *Caller) findConfig() (path string, text []byte, err error) {
	if named := cmp.Or(c.Settings.Config, c.Getenv("FIRN_CONFIG")); named != "" {
		return readConfig(named)
	}
	if c.Settings.NoConfig {
		return "", nil, nil
	}
	places, note := c.configPlaces()
	for _, place := range places {
		path, text, err = readConfig(place)
		switch {
		case errors.Is(err, fs.ErrNotExist) || host.OfAnother(err) && site.Missing(place):
		case place != config.SystemFile && (host.OfAnother(err) || errors.Is(err, fs.ErrPermission)): // HOME is another user's, left by sudo or su
			note = fmt.Sprintf("%s is not read: %v", place, errors.Unwrap(errors.Unwrap(err))) // without "read configuration"
		default:
			return path, text, err
		}
	}
	if note != "" {
		c.Note("%s", note)
	}
	return "", nil, nil
}

// readConfig reads a configuration file, whose commands firn will run: it must be trusted.
func readConfig(path string) (absolute string, text []byte, err error) {
	if absolute, err = filepath.Abs(path); err == nil {
		text, err = host.ReadFile(absolute)
	}
	if err != nil {
		return "", nil, outcome.Usage("", "read configuration: %w", err)
	}
	return absolute, text, nil
}

// configPlaces returns the paths where a configuration is looked for. The note says why the one in the current folder is
// not among them, if it is there.
func (c *Caller) configPlaces() (places []string, note string) {
	why := refuseHere()
	if why == "" {
		places = append(places, config.FileName)
	} else if !site.Missing(config.FileName) {
		note = fmt.Sprintf("The %s in this folder is not read, because %s: name it with --config %[1]s.", config.FileName, why)
	}
	user := c.Getenv("XDG_CONFIG_HOME")
	if home := c.Getenv("HOME"); user == "" && home != "" {
		user = filepath.Join(home, ".config")
	}
	if user != "" {
		places = append(places, filepath.Join(user, "firn", config.FileName))
	}
	return append(places, config.SystemFile), note
}

// refuseHere says why the configuration in the current folder is not read, "" if it may be. A user in a folder of
// another user does not want to run that user's commands. Root works in so many folders that it must name the file.
func refuseHere() string {
	if os.Geteuid() == 0 {
		return "root must name its configuration"
	}
	if isOthers(".") {
		return "the folder is another user's"
	}
	if isOthers(config.FileName) {
		return "it is another user's"
	}
	return ""
}

// isOthers reports whether a file or folder is there and belongs to another user.
func isOthers(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && !host.Own(info)
}
