package cmd_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"firn/internal/s3test"
)

// bucketEnv is the place in a bucket below which a script's repositories are,
// in place of its folder.
const bucketEnv = "FIRN_TEST_BUCKET"

// moveToBucket makes a script work in a bucket by changing what a user would
// change: the line of the configuration. The server keeps objects as files, so
// that the script finds the repository at its old place, too, to damage it.
func moveToBucket(env *testscript.Env, server *s3test.Server) error {
	name := path.Base(env.WorkDir)
	env.Setenv(bucketEnv, server.Location(name))
	env.Setenv("AWS_ACCESS_KEY_ID", server.AccessKey)
	env.Setenv("AWS_SECRET_ACCESS_KEY", server.SecretKey)
	env.Setenv("AWS_REGION", server.Region)
	env.Setenv("SERVER", "s3:"+server.URL)
	env.Setenv("HOST", strings.TrimPrefix(server.URL, "http://"))
	if err := os.Symlink(filepath.Join(server.Dir, server.Bucket, name, "repo"), filepath.Join(env.WorkDir, "repo")); err != nil {
		return err
	}
	return filepath.WalkDir(env.WorkDir, func(file string, _ os.DirEntry, err error) error {
		if err != nil || path.Ext(file) != ".toml" {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return os.WriteFile(file, repositoryLine.ReplaceAllFunc(text, func(line []byte) []byte {
			folder := string(repositoryLine.FindSubmatch(line)[1])
			return fmt.Appendf(nil, "repository = %q", server.Location(name+"/"+path.Base(folder)))
		}), 0o600)
	})
}

var repositoryLine = regexp.MustCompile(`(?m)^repository = "(.*)"`)

// moved turns the folders that a script's arguments and variables name as
// repositories into places in its bucket.
func moved(args []string) []string {
	base := os.Getenv(bucketEnv)
	if base == "" {
		return args
	}
	place := func(folder string) string {
		if folder == "" || strings.HasPrefix(folder, "s3:") {
			return folder
		}
		return base + "/" + path.Base(folder)
	}
	if err := os.Setenv("FIRN_REPOSITORY", place(os.Getenv("FIRN_REPOSITORY"))); err != nil {
		panic(err)
	}
	for i, arg := range args {
		if arg == "-r" && i+1 < len(args) {
			args[i+1] = place(args[i+1])
		}
	}
	return args
}
