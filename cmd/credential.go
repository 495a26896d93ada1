package cmd

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/term"

	"firn/crypt"
	"firn/host"
)

// keyFileName is the key file that init writes and every command looks for
// when no other key is given.
const keyFileName = "firn.key"

// keySource says where a key comes from: at most one field is set.
type keySource struct {
	origin          string // for messages
	keyFile         string
	passwordFile    string
	passwordCommand string
	password        string
}

func (k keySource) count() int {
	n := 0
	for _, s := range []string{k.keyFile, k.passwordFile, k.passwordCommand, k.password} {
		if s != "" {
			n++
		}
	}
	return n
}

// keySource returns the first source of a key that is given: flags before the
// environment before the configuration. It is empty if none is.
func (c *caller) keySource(conf *config) (keySource, error) {
	return firstKey(
		keySource{origin: "the flags", keyFile: c.settings.keyFile, passwordFile: c.settings.passwordFile, passwordCommand: c.settings.passwordCommand},
		c.environmentKey(),
		conf.keySource())
}

func (c *caller) environmentKey() keySource {
	return keySource{origin: "the environment variables", keyFile: c.getenv("FIRN_KEY_FILE"), passwordFile: c.getenv("FIRN_PASSWORD_FILE"), password: c.getenv("FIRN_PASSWORD")}
}

func (conf *config) keySource() keySource {
	return keySource{origin: "the configuration " + conf.path, keyFile: conf.KeyFile, passwordFile: conf.PasswordFile, passwordCommand: conf.PasswordCommand}
}

// firstKey returns the first of the sources that names a key.
func firstKey(sources ...keySource) (keySource, error) {
	for _, k := range sources {
		switch k.count() {
		case 0:
			continue
		case 1:
			return k, nil
		}
		return k, usage("Give one of key file, password file and password command.", "%s name more than one key", k.origin)
	}
	return keySource{}, nil
}

// credential returns what opens the repository, and asks for a password if
// nothing is given and somebody is there.
func (c *caller) credential(ctx context.Context, conf *config) (crypt.Credential, keySource, error) {
	k, err := c.keySource(conf)
	if err != nil {
		return crypt.Credential{}, k, err
	}
	if k.count() == 0 {
		k = keySource{keyFile: defaultKeyFile(conf)}
	}
	if k.count() > 0 {
		key, err := c.readKey(ctx, k)
		return key, k, err
	}
	if c.askPassword == nil {
		return crypt.Credential{}, k, usage(`Give --key-file, --password-file or --password-command: see "firn help".`, "no key is given")
	}
	password, err := c.askPassword(ctx, "Password: ")
	return crypt.Password(password), k, err
}

// defaultKeyFile returns the key file at its usual place, or "" if it is not there.
func defaultKeyFile(conf *config) string {
	path := filepath.Join(conf.dir(), keyFileName)
	if _, err := os.Lstat(path); err != nil {
		return ""
	}
	return path
}

// String names a key for messages, and what it was named by.
func (k keySource) String() string {
	what := "the password"
	switch {
	case k.keyFile == standardInput, k.passwordFile == standardInput:
		what = "the key on standard input"
	case k.keyFile != "":
		what = "key file " + k.keyFile
	case k.passwordFile != "":
		what = "password file " + k.passwordFile
	case k.passwordCommand != "":
		what = "the password command"
	}
	if k.origin == "" {
		return what
	}
	return what + " (from " + k.origin + ")"
}

func (c *caller) readKey(ctx context.Context, k keySource) (crypt.Credential, error) {
	switch {
	case k.keyFile != "":
		return c.readKeyFile(k.keyFile)
	case k.passwordFile != "":
		return c.readPasswordFile(k.passwordFile)
	case k.passwordCommand != "":
		return runPasswordCommand(ctx, c, k.passwordCommand)
	}
	return password([]byte(k.password), "FIRN_PASSWORD")
}

func (c *caller) readKeyFile(path string) (crypt.Credential, error) {
	text, err := c.readSecret(path)
	if err != nil {
		hint := trustHint(err, `Put it there, or give another one with --key-file: "firn help" tells where keys are looked for.`)
		return crypt.Credential{}, newProblem(fmt.Errorf("read key file: %w", err), exitWrongKey, hint)
	}
	if path != standardInput && len(bytes.TrimSpace(text)) == 0 {
		return crypt.Credential{}, newProblem(fmt.Errorf("read key file %s: it is empty", path), exitWrongKey, `Put a copy of the key there. If there never was one, remove the empty file, and run "firn init".`)
	}
	key, err := crypt.ParseKeyFile(bytes.TrimPrefix(text, []byte(markUTF8)))
	if err != nil {
		return crypt.Credential{}, newProblem(fmt.Errorf("read key file %s: %w", path, err), exitWrongKey, `A key file is what "firn init" or "firn key generate" wrote.`)
	}
	c.detail("key file: %s", path)
	return key.Credential(), nil
}

func (c *caller) readPasswordFile(path string) (crypt.Credential, error) {
	text, err := c.readSecret(path)
	if err != nil {
		return crypt.Credential{}, newProblem(fmt.Errorf("read password file: %w", err), exitWrongKey, "")
	}
	return password(text, "password file "+path)
}

// runPasswordCommand lets the command talk to the user: its standard error and input are ours.
func runPasswordCommand(ctx context.Context, c *caller, command string) (crypt.Credential, error) {
	cmd := shell(ctx, command)
	cmd.Env = os.Environ() // see withoutSecrets
	cmd.Stdin, cmd.Stderr = c.input, c.commandOutput
	out, err := cmd.Output()
	if err != nil {
		return crypt.Credential{}, newProblem(fmt.Errorf("run password command: %w", err), exitWrongKey, "")
	}
	return password(out, "password command")
}

// password takes the password out of a text: its first line, as [firstLine] has it,
// wherever the text comes from. So one password opens a repository in every way.
func password(text []byte, origin string) (crypt.Credential, error) {
	line, err := firstLine(text)
	if err != nil {
		return crypt.Credential{}, newProblem(fmt.Errorf("%s: %w", origin, err), exitWrongKey, "")
	}
	return crypt.Password(line), nil
}

// Marks that editors put at the beginning of a file; no password begins with one.
const (
	markUTF8     = "\xef\xbb\xbf"
	markUTF16    = "\xff\xfe"
	markUTF16big = "\xfe\xff"
)

// firstLine returns the first line of a secret without what a program has added to it:
// the line's end, of Windows too, and a byte order mark. Blanks belong to the secret.
func firstLine(text []byte) (string, error) {
	line, _, _ := strings.Cut(strings.TrimPrefix(string(text), markUTF8), "\n")
	switch line = strings.TrimRight(line, "\r"); {
	case strings.HasPrefix(line, markUTF16), strings.HasPrefix(line, markUTF16big):
		return "", errors.New("it is in UTF-16: save it as UTF-8")
	case line == "":
		return "", errors.New("the first line is empty")
	}
	return line, nil
}

// standardInput stands for it in place of a file.
const standardInput = "-"

// maxSecret is more than any key file or password has, in bytes.
const maxSecret = 1 << 20

// readSecret reads a file that nobody else should be able to read, or standard input. One
// that others can change is refused: it could be a key that they have, too.
func (c *caller) readSecret(path string) ([]byte, error) {
	if path == standardInput {
		return io.ReadAll(io.LimitReader(c.input, maxSecret))
	}
	f, err := host.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if shared := readers(info); shared != 0 {
		c.warn("others may read %s (mode %04o): chmod 600 %[1]s", path, info.Mode().Perm())
	}
	return io.ReadAll(io.LimitReader(f, maxSecret))
}

// readers returns the bits of a secret's mode that let others read it. Links into /proc and
// pipes, as from <(command), have modes that say nothing. Root gives a file to a service by the
// service's group: it must stay readable to that.
func readers(info fs.FileInfo) fs.FileMode {
	switch {
	case runtime.GOOS == "windows" || !info.Mode().IsRegular():
		return 0
	case host.Own(info):
		return info.Mode().Perm() & 0o077
	}
	return info.Mode().Perm() & 0o007
}

// askPassword asks on the terminal, without an echo.
func (c *cli) askPassword(ctx context.Context, prompt string) (string, error) {
	in, ok := c.stdin.(*os.File)
	if !ok {
		return "", errors.New("ask for password: not a terminal")
	}
	fmt.Fprint(c.stderr, prompt)
	defer fmt.Fprintln(c.stderr)
	before, err := term.GetState(int(in.Fd()))
	if err != nil {
		return "", fmt.Errorf("ask for password: %w", err)
	}
	text, err := await(ctx, func() ([]byte, error) { return term.ReadPassword(int(in.Fd())) })
	if ctx.Err() != nil { // the reader still waits, and has the echo off
		return "", errors.Join(ctx.Err(), term.Restore(int(in.Fd()), before))
	}
	if err != nil {
		return "", fmt.Errorf("ask for password: %w", err)
	}
	if len(text) == 0 {
		return "", usage("", "the password is empty")
	}
	return firstLine(text)
}

// askNewPassword asks twice, and again as long as the password is too weak.
func (c *cli) askNewPassword(ctx context.Context) (string, error) {
	first, err := c.askPassword(ctx, "New password: ")
	if err != nil {
		return "", err
	}
	if weak := crypt.Password(first).CheckStrength(); weak != nil {
		c.warn("%v", weak)
		return c.askNewPassword(ctx)
	}
	second, err := c.askPassword(ctx, "The same again: ")
	if err == nil && first != second {
		err = usage("", "the passwords differ")
	}
	return first, err
}

// await returns what f returns, or earlier if the context is done.
func await[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// writeKeyFile makes a new key file. It never overwrites one, and leaves none where another
// user could put another in its place.
func writeKeyFile(path string, key crypt.KeyFile, now string) (err error) {
	if err := host.MakeFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("make folder of key file: %w", err)
	}
	text := keyFileText(key, now)
	// Without the key the repository is lost: all of it must be on the disk before that is,
	// and before another run finds the name.
	temporary, err := private(filepath.Dir(path), stageName(path)+"-*", func(f *os.File) error {
		_, err := f.WriteString(text)
		return errors.Join(err, f.Sync())
	})
	if err != nil {
		return fmt.Errorf("write key file %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, removeFile(temporary)) }()
	if err := publishFile(temporary, path); err != nil {
		return fmt.Errorf("write key file %s: %w", path, err)
	}
	return nil
}

func keyFileText(key crypt.KeyFile, now string) string {
	return fmt.Sprintf("# firn key, made %s. Whoever has it can read and change the repository.\n%s\n", now, key)
}

func missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// keyLabel names a credential for people who look at the list of keys.
func keyLabel(what, where string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return cmp.Or(strings.TrimSpace(what+" "+where), what) + " (" + host + ")"
}
