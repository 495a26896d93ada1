// Package config reads firn.toml and checks its values.
package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"firn/outcome"
	"firn/store"
)

// Config is the content of firn.toml. Relative paths in the file start at the file's folder, because cron and people start
// firn in different folders. The zero Config is for runs without a file, by flags alone.
type Config struct {
	Path string `toml:"-"` // of the file; "" if there is none

	Repository      string                  `toml:"repository"`
	KeyFile         string                  `toml:"key_file"`
	PasswordFile    string                  `toml:"password_file"`
	PasswordCommand string                  `toml:"password_command"`
	Keep            Keep                    `toml:"keep"`
	Env             map[string]*Environment `toml:"env"` // see [Config.Lookup] and [Config.All] for those of patterns
	CacheSize       string                  `toml:"cache_size"`
	MetricsFile     string                  `toml:"metrics_file"`
	S3              Bucket                  `toml:"s3"`
	SSH             SSH                     `toml:"ssh"`
	Copy            Copy                    `toml:"copy"`
	Watch           Watch                   `toml:"watch"`

	patterns []*pattern // sorted by name; their tables are not in Env
}

// FileName is the name of the configuration file.
const FileName = "firn.toml"

// SystemFile is the path of the system's configuration file, which is read if there is no other one.
const SystemFile = "/etc/firn/" + FileName

// Parse reads the text of the file at an absolute path and checks it. An error names the line, as far as the line is known.
// Parse returns a configuration with an error, too: it holds the values that say where failures are reported, as far as they
// could be read.
func Parse(path string, b []byte) (*Config, error) {
	conf := &Config{Path: path}
	dec := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields()
	err := dec.Decode(conf)
	if _, wrong := errors.AsType[*toml.DecodeError](err); wrong {
		conf.salvage(b)
	}
	conf.resolve(filepath.Dir(path))
	conf.takePatterns()
	if err != nil {
		return conf, explain(path, err)
	}
	return conf, conf.validate()
}

// salvage reads the values that say where failures are reported. It is for a configuration with a value of a wrong type,
// since decoding ends at that value.
func (conf *Config) salvage(b []byte) {
	var loose struct {
		MetricsFile any                       `toml:"metrics_file"`
		Env         map[string]map[string]any `toml:"env"`
	}
	if toml.Unmarshal(b, &loose) != nil {
		return // the text itself is wrong
	}
	setText(&conf.MetricsFile, loose.MetricsFile)
	if conf.Env == nil {
		conf.Env = make(map[string]*Environment)
	}
	for name, values := range loose.Env {
		env := conf.Env[name]
		if env == nil {
			env = &Environment{}
			conf.Env[name] = env
		}
		setText(&env.Database, values["database"])
		setText(&env.DatabaseName, values["name"])
		setText(&env.Ping, values["ping"])
		setText(&env.OnFailure, values["on_failure"])
	}
}

// setText sets a text to a value if the value is a text.
func setText(to *string, value any) {
	if text, ok := value.(string); ok {
		*to = text
	}
}

// explain returns the error for a configuration file that cannot be decoded, with the place of the fault.
func explain(path string, err error) error {
	if missing, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		first := missing.Errors[0]
		row, _ := first.Position()
		return outcome.Usage("Check its spelling and the table it stands in.",
			"configuration %s, line %d: unknown key %q", path, row, strings.Join(first.Key(), "."))
	}
	if wrong, ok := errors.AsType[*toml.DecodeError](err); ok {
		row, column := wrong.Position()
		return outcome.Usage("", "configuration %s, line %d, column %d: %s", path, row, column, describe(wrong))
	}
	return outcome.Usage("", "configuration %s: %w", path, err)
}

// describe returns the message of an error of the decoder. For a value of a wrong type, the decoder names types of Go, which
// mean nothing in a configuration file.
func describe(wrong *toml.DecodeError) string {
	message := strings.TrimPrefix(wrong.Error(), "toml: ")
	mismatch, ok := strings.CutPrefix(message, "cannot decode TOML ")
	kind, target, found := strings.Cut(mismatch, " into ")
	if len(wrong.Key()) > 0 && strings.HasPrefix(message, "cannot store ") {
		return strings.Join(wrong.Key(), ".") + ": " + message
	}
	if !ok || !found {
		return message
	}
	want := "a table"
	switch target[strings.LastIndex(target, " ")+1:] {
	case "string":
		want = "a string"
	case "bool":
		want = "true or false"
	case "[]string":
		want = "a list of strings"
	case "config.Count":
		want = `a number or "all"`
	case "config.Duration", "config.Confirm":
		want = `a time such as "30m"`
	}
	return fmt.Sprintf("%s: want %s, not a value of type %s", strings.Join(wrong.Key(), "."), want, kind)
}

// resolve makes all paths absolute and fills in the default names of environments and databases.
func (conf *Config) resolve(dir string) {
	paths := slices.Concat([]*string{&conf.KeyFile, &conf.PasswordFile, &conf.MetricsFile, &conf.Watch.SpoolDir}, conf.S3.paths(), conf.SSH.paths(), conf.Copy.paths())
	if !store.IsRemote(conf.Repository) {
		paths = append(paths, &conf.Repository)
	}
	for name, env := range conf.Env {
		if env == nil {
			env = &Environment{}
			conf.Env[name] = env
		}
		env.Name, env.NamesDatabase = name, env.DatabaseName != ""
		env.join()
		if env.Database != "" {
			env.DatabaseName = cmp.Or(env.DatabaseName, DefaultDatabaseName(env.Database))
		}
		paths = append(paths, &env.Scrub)
		if !env.Remote() {
			paths = append(paths, &env.Database)
		}
	}
	for _, p := range paths {
		*p = resolvePath(dir, *p)
	}
}

// resolvePath returns an absolute path for a path that starts at a folder, at the home folder or at the root. The empty path
// stays empty.
func resolvePath(dir, path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	switch {
	case path == "":
		return ""
	case filepath.IsAbs(path):
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// validate returns the first thing that is wrong with the values, nil if they can be used.
func (conf *Config) validate() error {
	if _, err := conf.Keep.policy(); err != nil {
		return outcome.Usage("", "configuration %s: [keep]: %w", conf.Path, err)
	}
	if err := conf.S3.validate(); err != nil {
		return outcome.Usage("", "configuration %s: [s3]: %w", conf.Path, err)
	}
	if err := conf.SSH.validate(); err != nil {
		return outcome.Usage("", "configuration %s: [ssh]: %w", conf.Path, err)
	}
	if err := conf.Copy.validate(); err != nil {
		return outcome.Usage("", "configuration %s: [copy]: %w", conf.Path, err)
	}
	if err := conf.Watch.validate(); err != nil {
		return outcome.Usage("", "configuration %s: [watch]: %w", conf.Path, err)
	}
	if conf.CacheSize != "" {
		if _, err := ParseSize(conf.CacheSize); err != nil {
			return outcome.Usage("", "configuration %s: cache_size: %w", conf.Path, err)
		}
	}
	for _, name := range conf.ownNames() {
		env := conf.Env[name]
		if err := cmp.Or(env.checkStars(), env.Validate()); err != nil {
			return conf.wrongTable(env, err)
		}
	}
	return conf.checkPatterns()
}

// wrongTable returns the error for the table of an environment.
func (conf *Config) wrongTable(table *Environment, err error) error {
	_, hint := outcome.Classify(err)
	return outcome.Usage(hint, "configuration %s: %s: %w", conf.Path, table.Header(), err)
}

// Dir returns the folder of the configuration file. Without a file it returns the current folder.
func (conf *Config) Dir() string {
	if conf.Path == "" {
		return "."
	}
	return filepath.Dir(conf.Path)
}
