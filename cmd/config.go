package cmd

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"firn/host"
	"firn/snapshot"
	"firn/store"
	"firn/tags"
)

// config is the content of firn.toml. Relative paths in it start at its folder,
// because cron and people start firn in different ones. The zero config is that
// of somebody who uses flags alone.
type config struct {
	path string // of the file; "" if there is none

	Repository      string                  `toml:"repository"`
	KeyFile         string                  `toml:"key_file"`
	PasswordFile    string                  `toml:"password_file"`
	PasswordCommand string                  `toml:"password_command"`
	Keep            keep                    `toml:"keep"`
	Env             map[string]*environment `toml:"env"`
	CacheSize       string                  `toml:"cache_size"`
	MetricsFile     string                  `toml:"metrics_file"`
	S3              bucketConfig            `toml:"s3"`
	Copy            copyConfig              `toml:"copy"`
}

// environment is one database that is backed up under a name.
type environment struct {
	name  string
	named bool // Name is configured, and not taken from the file's

	Database  string   `toml:"database"`
	Name      string   `toml:"name"`
	Tags      []string `toml:"tags"`
	Export    string   `toml:"export"`
	MaxAge    duration `toml:"max_age"`
	Stop      string   `toml:"stop"`
	Start     string   `toml:"start"`
	Before    string   `toml:"before"`
	After     string   `toml:"after"`
	OnFailure string   `toml:"on_failure"`
	Ping      string   `toml:"ping"`

	HookTimeout duration `toml:"hook_timeout"` // of Before, After and OnFailure
	Scrub       string   `toml:"scrub"`
	Verify      string   `toml:"verify"`
	Keep        keep     `toml:"keep"`

	BlockWriters bool   `toml:"block_writers"` // for as long as a backup takes, if that cannot be helped
	Guard        *bool  `toml:"guard"`         // nil: true
	MaxShrink    *share `toml:"max_shrink"`    // nil: defaultMaxShrink
	RequireScrub bool   `toml:"require_scrub"` // its data goes nowhere else, or no other's comes here, as it is
}

const configName = "firn.toml"

// systemConfig is the last place where it is looked for.
const systemConfig = "/etc/firn/" + configName

// loadConfig reads the configuration file, if there is one.
func (c *caller) loadConfig() (*config, error) {
	path, b, err := c.findConfig()
	if err != nil || path == "" {
		return &config{}, err
	}
	return parseConfig(path, b)
}

// findConfig reads the first configuration file that there is. One that was asked for
// by name must be there.
func (c *caller) findConfig() (path string, text []byte, err error) {
	if named := cmp.Or(c.settings.config, c.getenv("FIRN_CONFIG")); named != "" {
		return readConfig(named)
	}
	places, note := c.configPlaces()
	for _, place := range places {
		path, text, err = readConfig(place)
		switch {
		case errors.Is(err, fs.ErrNotExist) || host.OfAnother(err) && missing(place):
		case place != systemConfig && (host.OfAnother(err) || errors.Is(err, fs.ErrPermission)): // HOME is another user's, left by sudo or su
			note = fmt.Sprintf("%s is not read: %v", place, errors.Unwrap(errors.Unwrap(err))) // without "read configuration"
		default:
			return path, text, err
		}
	}
	if note != "" {
		c.note("%s", note)
	}
	return "", nil, nil
}

// readConfig reads a file whose commands firn will run.
func readConfig(path string) (absolute string, text []byte, err error) {
	if absolute, err = filepath.Abs(path); err == nil {
		text, err = host.ReadFile(absolute)
	}
	if err != nil {
		return "", nil, usage("", "read configuration: %w", err)
	}
	return absolute, text, nil
}

// configPlaces are where a configuration is looked for, and a note if that does not
// include the one in the current folder.
func (c *caller) configPlaces() (places []string, note string) {
	why := refuseHere()
	if why == "" {
		places = append(places, configName)
	} else if !missing(configName) {
		note = fmt.Sprintf("The %s in this folder is not read, because %s: name it with --config %[1]s.", configName, why)
	}
	user := c.getenv("XDG_CONFIG_HOME")
	if home := c.getenv("HOME"); user == "" && home != "" {
		user = filepath.Join(home, ".config")
	}
	if user != "" {
		places = append(places, filepath.Join(user, "firn", configName))
	}
	return append(places, systemConfig), note
}

// refuseHere says why the configuration in the current folder is not to be read, "" if
// it may be. A caller who looks around in a folder of another user does not want to run
// that user's commands. Root comes to so many folders that it must name the file.
func refuseHere() string {
	if os.Geteuid() == 0 {
		return "root must name its configuration"
	}
	for path, why := range map[string]string{".": "the folder is another user's", configName: "it is another user's"} {
		if info, err := os.Lstat(path); err == nil && !host.Own(info) {
			return why
		}
	}
	return ""
}

func parseConfig(path string, b []byte) (*config, error) {
	conf := &config{path: path}
	dec := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields()
	err := dec.Decode(conf)
	if _, wrong := errors.AsType[*toml.DecodeError](err); wrong {
		conf.salvage(b)
	}
	conf.resolve(filepath.Dir(path))
	if err != nil {
		return conf, explain(path, err)
	}
	return conf, conf.validate()
}

// salvage reads what says whom to tell of failures, of a configuration with a value of a wrong type: decoding ends there.
func (conf *config) salvage(b []byte) {
	var loose struct {
		MetricsFile any                       `toml:"metrics_file"`
		Env         map[string]map[string]any `toml:"env"`
	}
	if toml.Unmarshal(b, &loose) != nil {
		return // the text itself is wrong
	}
	take(&conf.MetricsFile, loose.MetricsFile)
	if conf.Env == nil {
		conf.Env = make(map[string]*environment)
	}
	for name, values := range loose.Env {
		env := conf.Env[name]
		if env == nil {
			env = &environment{}
			conf.Env[name] = env
		}
		take(&env.Database, values["database"])
		take(&env.Name, values["name"])
		take(&env.Ping, values["ping"])
		take(&env.OnFailure, values["on_failure"])
	}
}

// take sets a text to a value that is one.
func take(to *string, value any) {
	if text, ok := value.(string); ok {
		*to = text
	}
}

// explain says where a configuration file is wrong.
func explain(path string, err error) error {
	if missing, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		first := missing.Errors[0]
		row, _ := first.Position()
		return usage("Check its spelling and the table it stands in.",
			"configuration %s, line %d: unknown key %q", path, row, strings.Join(first.Key(), "."))
	}
	if wrong, ok := errors.AsType[*toml.DecodeError](err); ok {
		row, column := wrong.Position()
		return usage("", "configuration %s, line %d, column %d: %s", path, row, column,
			strings.TrimPrefix(wrong.Error(), "toml: "))
	}
	return usage("", "configuration %s: %w", path, err)
}

// resolve makes all paths absolute.
func (conf *config) resolve(dir string) {
	paths := slices.Concat([]*string{&conf.KeyFile, &conf.PasswordFile, &conf.MetricsFile}, conf.S3.paths(), conf.Copy.paths())
	if !store.IsRemote(conf.Repository) {
		paths = append(paths, &conf.Repository)
	}
	for name, env := range conf.Env {
		if env == nil {
			env = &environment{}
			conf.Env[name] = env
		}
		env.name, env.named = name, env.Name != ""
		if env.Database != "" {
			env.Name = cmp.Or(env.Name, databaseName(env.Database))
		}
		paths = append(paths, &env.Database, &env.Scrub)
	}
	for _, p := range paths {
		*p = resolvePath(dir, *p)
	}
}

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

// databaseName is the default name of a database: its file's, without extension.
func databaseName(path string) string {
	base := filepath.Base(path)
	return cmp.Or(strings.TrimSuffix(base, filepath.Ext(base)), base)
}

func (conf *config) validate() error {
	if _, err := conf.Keep.policy(); err != nil {
		return usage("", "configuration %s: [keep]: %w", conf.path, err)
	}
	if err := conf.S3.validate(); err != nil {
		return usage("", "configuration %s: [s3]: %w", conf.path, err)
	}
	if err := conf.Copy.validate(); err != nil {
		return usage("", "configuration %s: [copy]: %w", conf.path, err)
	}
	if conf.CacheSize != "" {
		if _, err := parseSize(conf.CacheSize); err != nil {
			return usage("", "configuration %s: cache_size: %w", conf.path, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(conf.Env)) {
		if err := conf.Env[name].validate(); err != nil {
			return usage("", "configuration %s: [env.%s]: %w", conf.path, name, err)
		}
	}
	return nil
}

func (e *environment) validate() error {
	if e.Database == "" {
		return errors.New("database is missing")
	}
	if e.Stop != "" && e.Start == "" {
		return errors.New("stop is given and start is not: the application would stay stopped")
	}
	_, err := e.Keep.policy()
	if err != nil {
		err = fmt.Errorf("keep: %w", err)
	}
	_, ageErr := e.MaxAge.value("max_age")
	set, tagErr := tags.New(e.Tags...)
	if tagErr == nil {
		tagErr = checkTags(set, e.name, e.Name)
	}
	return errors.Join(checkExport(e.Export), checkNames(e.name, e.Name), tagErr, ageErr, err, e.checkHooks(), e.checkGuard())
}

// checkNames refuses what cannot be a tag, or would be taken for a flag by "firn backup".
func checkNames(environment, database string) error {
	if strings.HasPrefix(environment, "-") {
		return usage("", "environment %q: a name that begins with - would be taken for a flag", environment)
	}
	if _, err := tags.New(tags.Environment(environment), tags.Database(database)); err != nil {
		return fmt.Errorf("names of environments and databases are tags, too: %w", err)
	}
	return nil
}

func checkExport(export string) error {
	switch export {
	case "", snapshot.ExportPages, snapshot.ExportCompact:
		return nil
	}
	return fmt.Errorf("export is %q, not %q or %q", export, snapshot.ExportPages, snapshot.ExportCompact)
}

// environment returns a configured environment.
func (conf *config) environment(name string) (*environment, error) {
	if env, ok := conf.Env[name]; ok {
		return env, nil
	}
	if conf.path == "" {
		return nil, usage("Write one, or give --database FILE --env NAME.", "environment %q: there is no configuration file", name)
	}
	return nil, usage("Configured are: "+cmp.Or(strings.Join(conf.names(), ", "), "none")+".",
		"environment %q is not in %s", name, conf.path)
}

func (conf *config) names() []string { return slices.Sorted(maps.Keys(conf.Env)) }

// dir is the folder of the configuration file, or the current one without it.
func (conf *config) dir() string {
	if conf.path == "" {
		return "."
	}
	return filepath.Dir(conf.path)
}
