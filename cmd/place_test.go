package cmd_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"

	"github.com/rogpeppe/go-internal/testscript"

	"firn/store"
)

// moveToHost makes a script work on another host, which the stand-in for ssh finds on this one: in the script's own folder.
func moveToHost(env *testscript.Env, program string) error {
	base := "sftp:backup@db1:" + env.WorkDir
	env.Setenv(placeEnv, base)
	env.Setenv("PATH", filepath.Dir(program)+string(os.PathListSeparator)+env.Getenv("PATH"))
	return moveConfigurations(env, func(folder string) string { return base + "/" + path.Base(folder) })
}

// moveConfigurations changes the line of the configurations that a user would change.
func moveConfigurations(env *testscript.Env, locationOf func(folder string) string) error {
	return filepath.WalkDir(env.WorkDir, func(file string, _ os.DirEntry, err error) error {
		if err != nil || path.Ext(file) != ".toml" {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return os.WriteFile(file, repositoryLine.ReplaceAllFunc(text, func(line []byte) []byte {
			return fmt.Appendf(nil, "repository = %q", locationOf(string(repositoryLine.FindSubmatch(line)[1])))
		}), 0o600)
	})
}

var repositoryLine = regexp.MustCompile(`(?m)^repository = "(.*)"`)

// moveArguments replaces the folders of repositories in a script's arguments and
// variables by locations in its place.
func moveArguments(args []string) []string {
	base := os.Getenv(placeEnv)
	if base == "" {
		return args
	}
	locationOf := func(folder string) string {
		if folder == "" || store.IsRemote(folder) {
			return folder
		}
		return base + "/" + path.Base(folder)
	}
	if err := os.Setenv("FIRN_REPOSITORY", locationOf(os.Getenv("FIRN_REPOSITORY"))); err != nil {
		panic(err)
	}
	for i, arg := range args {
		if (arg == "-r" || arg == "--to") && i+1 < len(args) {
			args[i+1] = locationOf(args[i+1])
		}
	}
	return args
}
