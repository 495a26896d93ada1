package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"firn/outcome"
)

// folderOf makes a folder with files, with folders whose names end with a slash, and with links "a -> b". It returns its path
// without symbolic links.
func folderOf(t *testing.T, names ...string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		link, target, isLink := strings.Cut(name, " -> ")
		path := filepath.Join(dir, link)
		err := os.MkdirAll(filepath.Dir(path), 0o700)
		switch {
		case isLink:
			err = errors.Join(err, os.Symlink(target, path))
		case strings.HasSuffix(name, "/"):
			err = errors.Join(err, os.MkdirAll(path, 0o700))
		default:
			err = errors.Join(err, os.WriteFile(path, nil, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func parseIn(t *testing.T, dir, text string) *Config {
	t.Helper()
	conf, err := Parse(filepath.Join(dir, FileName), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return conf
}

// described returns a listing in short: "name=database name" of each environment, and the errors.
func described(l *Listing) (envs, errs string) {
	for _, env := range l.Environments {
		envs += fmt.Sprintf("%s=%s ", env.Name, env.DatabaseName)
	}
	for _, e := range l.Errors {
		errs += e.Error() + "\n"
	}
	return strings.TrimSpace(envs), strings.TrimSpace(errs)
}

func TestPatternsList(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		files     []string
		text      string
		want, err string
	}{
		"Files":      {[]string{"t/b.db", "t/a.db", "t/c.sqlite", "t/.db", "t/d.db/"}, "[env.'x-*']\ndatabase = 't/*.db'", "x-a=a x-b=b", ""},
		"Sidecars":   {[]string{"t/a", "t/a-wal", "t/a-shm", "t/a-journal", "t/.firn-a"}, "[env.'*']\ndatabase = 't/*'", "a=a", ""},
		"Excluded":   {[]string{"t/a.db", "t/a-old.db", "t/scratch1.db"}, "[env.'*']\ndatabase = 't/*.db'\nexclude = ['*-old.db', 'scratch?.db']", "a=a", ""},
		"PartOfName": {[]string{"t/eu-1.db", "t/us-1.db", "t/eu-.db"}, "[env.'*']\ndatabase = 't/eu-*.db'", "1=eu-1", ""},
		"Named":      {[]string{"t/a.db", "t/b.db"}, "[env.'x-*']\ndatabase = 't/*.db'\nname = 'app'", "x-a=app x-b=app", ""},
		"NamedAlike": {[]string{"t/a.db"}, "[env.'x-*']\ndatabase = 't/*.db'\nname = 'app_*'", "x-a=app_a", ""},
		"Folders":    {[]string{"t/a/data/app.db", "t/b/app.db", "t/c/data/app.db/", "t/d", "t/.e/data/app.db", "t/f/data/app.db"}, "[env.'x-*']\ndatabase = 't/*/data/app.db'\nexclude = ['f']", "x-a=app", ""},
		"Links":      {[]string{"t/a.db -> ../o/a.db", "t/b.db -> nowhere", "t/c.db -> ../o", "o/a.db"}, "[env.'x-*']\ndatabase = 't/*.db'", "x-a=a", ""},
		"FolderLink": {[]string{"t -> o", "o/a.db"}, "[env.'x-*']\ndatabase = 't/*.db'", "x-a=a", ""},
		"OwnTable":   {[]string{"t/a.db", "t/b.db"}, "[env.special]\ndatabase = 't/a.db'\n[env.'x-*']\ndatabase = 't/*.db'", "special=a x-b=b", ""},
		"OwnName":    {[]string{"t/a.db"}, "[env.x-a]\ndatabase = 't/a.db'\nname = 'app'\n[env.'x-*']\ndatabase = 't/*.db'", "x-a=app", ""},
		"OwnNameElsewhere": {[]string{"t/a.db", "t/b.db"}, "[env.x-a]\ndatabase = 'o.db'\n[env.'x-*']\ndatabase = 't/*.db'", "x-a=o x-b=b",
			`[env."x-*"]: DIR/t/a.db is not backed up: [env.x-a] is of DIR/o.db`},
		"SameFile": {[]string{"t/a.db", "t/b.db"}, "[env.'x-*']\ndatabase = 't/*.db'\n[env.'y-*']\ndatabase = 't/a*b'\n[env.'z-*']\ndatabase = 't/b*b'", "x-a=a x-b=b",
			`[env."y-*"]: DIR/t/a.db fits [env."x-*"], too, and is backed up as x-a alone` + "\n" + `[env."z-*"]: DIR/t/b.db fits [env."x-*"], too, and is backed up as x-b alone`},
		"SameFileByLink": {[]string{"t/a.db", "u/b.db -> ../t/a.db"}, "[env.'x-*']\ndatabase = 't/*.db'\n[env.'y-*']\ndatabase = 'u/*.db'", "x-a=a",
			`[env."y-*"]: DIR/u/b.db fits [env."x-*"], too, and is backed up as x-a alone`},
		"Comma": {[]string{"t/a,b.db", "t/c.db"}, "[env.'x-*']\ndatabase = 't/*.db'", "x-c=c",
			`[env."x-*"]: "DIR/t/a,b.db" is not backed up: names of environments and databases are tags, too: invalid tag "env_x-a,b": contains a comma`},
		"Flag":    {[]string{"t/-a.db"}, "[env.'*']\ndatabase = 't/*.db'", "", `[env."*"]: "DIR/t/-a.db" is not backed up: environment "-a": a name that begins with - would be taken for a flag`},
		"Star":    {[]string{"t/a*.db"}, "[env.'x-*']\ndatabase = 't/*.db'", "", `[env."x-*"]: "DIR/t/a*.db" is not backed up: environment "x-a*": a * in a name stands for many`},
		"Missing": {[]string{"b.db"}, "[env.b]\ndatabase = 'b.db'\n[env.'x-*']\ndatabase = 't/*.db'", "b=b", `[env."x-*"]: list folder DIR/t: lstat DIR/t: no such file or directory`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folderOf(t, tt.files...)
			conf := parseIn(t, dir, tt.text)
			l := conf.All()
			envs, errs := described(l)
			if errs = strings.NewReplacer("open "+dir, "lstat DIR", dir, "DIR").Replace(errs); envs != tt.want || errs != tt.err {
				t.Errorf("got %s\n%s\nwant %s\n%s", envs, errs, tt.want, tt.err)
			}
			for _, env := range l.Environments {
				if got := conf.Lookup(env.Name); got == nil || got.Database != env.Database || got.DatabaseName != env.DatabaseName {
					t.Errorf("%s by its name: got %+v, want %+v", env.Name, got, env)
				}
				if got := conf.Owner(RealPath(env.Database)); got == nil || got.Name != env.Name {
					t.Errorf("%s by its path: got %+v", env.Name, got)
				}
			}
		})
	}
}

// TestPatternFindsVanished looks for environments without files, which no folder needs to be listed for.
func TestPatternFindsVanished(t *testing.T) {
	t.Parallel()
	conf := parseIn(t, "/conf", `
[env.tenant-own]
database = "/own.db"
[env."tenant-*"]
database = "/srv/none/t-*.db"
exclude = ["t-old*"]
keep = { daily = 30 }
[env."app-*"]
database = "/srv/none/*/app.db"
`)
	for name, want := range map[string]string{
		"tenant-acme": "/srv/none/t-acme.db", "tenant-own": "/own.db", "app-x.y": "/srv/none/x.y/app.db", "tenant-": "", "tenant-old1": "", "tenant-a/b": "",
		"tenant-a,b": "", "tenant-a\x00": "", "app-..": "", "app-.": "", "app-../x": "", "tenant-*": "", "other": "", "tenant-..": "/srv/none/t-...db",
	} {
		got := ""
		if env := conf.Lookup(name); env != nil {
			got = env.Database
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
	for path, want := range map[string]string{
		"/srv/none/t-acme.db": "tenant-acme", "/srv/none/x/app.db": "app-x", "/own.db": "tenant-own", "/srv/none/t-own.db": "", "/srv/none/t-old.db": "", "/srv/t-x.db": "",
	} {
		got := ""
		if env := conf.Owner(path); env != nil {
			got = env.Name
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	if p, err := conf.Policy("tenant-acme", nil); err != nil || p.Daily != 30 {
		t.Errorf("policy of a vanished tenant: got %+v, %v", p, err)
	}
	if p, err := conf.CopyTarget().Policy("tenant-acme", nil); err != nil || p.Daily != 30 {
		t.Errorf("its policy in the target of copies: got %+v, %v", p, err)
	}
	if conf.Knows("tenant-acme") || !conf.Knows("tenant-own") || conf.Knows("nobody") {
		t.Error("a name without a file is known, or one with a table is not")
	}
	_, err := conf.Environment("other")
	if _, hint := outcome.Classify(err); hint != "Configured are: app-*, tenant-*, tenant-own." {
		t.Errorf("got hint %q", hint)
	}
}

func TestPatternErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"NoStarInName":  {"[env.a]\ndatabase = '/t/*.db'", `[env.a]: database has a *, and the name of the environment has none`},
		"NoStarInPath":  {"[env.'a-*']\ndatabase = '/t/a.db'", `[env."a-*"]: the name of the environment has a *, and database has none`},
		"TwoInPath":     {"[env.'a-*']\ndatabase = '/t/*/*.db'", `[env."a-*"]: the name of the environment has 1 *, and database has 2`},
		"TwoInName":     {"[env.'*-*']\ndatabase = '/t/*.db'", `[env."*-*"]: the name of the environment has 2 *, and database has 1`},
		"TwoInDatabase": {"[env.'a-*']\ndatabase = '/t/*.db'\nname = '*-*'", `[env."a-*"]: name: "*-*" has more than one *`},
		"NoDatabase":    {"[env.'a-*']\nmax_age = '1h'", `[env."a-*"]: database is missing`},
		"NotExcludable": {"[env.a]\ndatabase = '/a.db'\nexclude = ['x']", `[env.a]: exclude is for a pattern, and neither name nor database has a *`},
		"BadExclude":    {"[env.'a-*']\ndatabase = '/t/*.db'\nexclude = ['[x']", `[env."a-*"]: exclude: "[x" is no pattern of a file's name`},
		"PathExclude":   {"[env.'a-*']\ndatabase = '/t/*.db'\nexclude = ['t/x']", `[env."a-*"]: exclude: "t/x" is no pattern of a file's name`},
		"Values":        {"[env.'a-*']\ndatabase = '/t/*.db'\nexport = 'zip'", `[env."a-*"]: export is "zip", not "pages" or "compact"`},
		"Tags":          {"[env.'a-*']\ndatabase = '/t/*.db'\ntags = ['env_b']", `[env."a-*"]: tag "env_b" is firn's own`},
		"SameName":      {"[env.'a-*']\ndatabase = '/t/*.db'\n[env.'a-b-*']\ndatabase = '/u/*.db'", `[env."a-*"] and [env."a-b-*"] may both stand for an environment "a-b-x"`},
		"SameStar":      {"[env.'*']\ndatabase = '/t/*.db'\n[env.'*-x']\ndatabase = '/u/*.db'", `[env."*"] and [env."*-x"] may both stand for an environment "x-x"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("f", []byte(tt.text))
			if err == nil || err.Error() != "configuration f: "+tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if code, _ := outcome.Classify(err); code != outcome.CodeUsage {
				t.Errorf("exit code: got %d, want %d", code, outcome.CodeUsage)
			}
		})
	}
}

func TestSelect(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, "t/a.db", "t/b,.db", "u/")
	conf := parseIn(t, dir, "[env.own]\ndatabase = 'own.db'\n[env.'x-*']\ndatabase = 't/*.db'\nping = 'https://hc.example'\n[env.'y-*']\ndatabase = 'u/*.db'\n")
	l, err := conf.Select([]string{"x-*", "own", "x-gone", "x-a", "x-*"})
	if err != nil {
		t.Fatal(err)
	}
	if envs, _ := described(l); envs != "x-a=a own=own x-gone=gone" || len(l.Errors) != 1 || len(l.Empty) != 0 {
		t.Errorf("got %s, %v, %v", envs, l.Errors, l.Empty)
	}
	if _, err := conf.Select([]string{"x-*", "nobody"}); err == nil {
		t.Error("an unknown name: got no error")
	}
	if all := conf.All(); len(all.Empty) != 1 || all.Empty[0].Name != "y-*" {
		t.Errorf("empty patterns: got %v", all.Empty)
	}
	var told []string
	for _, env := range conf.Known(append(conf.TableNames(), "nobody")) {
		told = append(told, env.Name+env.Ping)
	}
	if want := []string{"own", "x-ahttps://hc.example", "x-*https://hc.example"}; !reflect.DeepEqual(told, want) {
		t.Errorf("told of an error: got %q, want %q", told, want)
	}
}

// TestSalvagedPatterns has a value of a wrong type, and a pattern that is none: both must be able to tell their monitors.
func TestSalvagedPatterns(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, "t/a.db")
	for name, text := range map[string]string{
		"WrongType": "[watch]\nspool_size = 1\n[env.'x-*']\ndatabase = 't/*.db'\nping = 'https://hc.example'",
		"TwoStars":  "[env.'x-*-*']\ndatabase = 't/*.db'\nping = 'https://hc.example'",
		"Missing":   "[env.'x-*']\ndatabase = 'none/*.db'\nping = 'https://hc.example'\nexport = 'zip'",
	} {
		conf, err := Parse(filepath.Join(dir, FileName), []byte(text))
		if err == nil {
			t.Errorf("%s: got no error", name)
		}
		if known := conf.Known(conf.TableNames()); len(known) != 1 || known[0].Ping != "https://hc.example" {
			t.Errorf("%s: got %v", name, known)
		}
	}
}

// TestListErrorsAreOfTheSource checks the exit code of a folder that is missing.
func TestListErrorsAreOfTheSource(t *testing.T) {
	t.Parallel()
	l := parseIn(t, t.TempDir(), "[env.'x-*']\ndatabase = 'none/*.db'").All()
	if len(l.Errors) != 1 || !l.Lacks("x-*") {
		t.Fatalf("got %v", l.Errors)
	}
	if code, hint := outcome.Classify(l.Errors[0]); code != outcome.CodeSource || hint == "" || !errors.Is(l.Errors[0], fs.ErrNotExist) {
		t.Errorf("got %d, %q, %v", code, hint, l.Errors[0])
	}
}

func FuzzPattern(f *testing.F) {
	f.Add("x-*", "/srv/t/a*.db", "x-acme")
	f.Add("*", "/*/app.db", "..")
	f.Fuzz(func(t *testing.T, table, database, name string) {
		e := &Environment{Name: table, Database: database}
		if !filepath.IsAbs(database) || filepath.Clean(database) != database {
			return
		}
		p, ok := newPattern(e)
		if !ok {
			return
		}
		env := p.named(name)
		if env == nil {
			return
		}
		if env.Name != name || env.Validate() != nil {
			t.Errorf("got %+v for %q", env, name)
		}
		if filepath.Clean(env.Database) != env.Database || !strings.HasPrefix(env.Database, p.folder) ||
			strings.Count(env.Database, "/") != strings.Count(database, "/") {
			t.Errorf("%q leads out of %s: %s", name, p.folder, env.Database)
		}
	})
}
