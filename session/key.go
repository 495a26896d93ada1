package session

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"firn/config"
	"firn/crypt"
	"firn/outcome"
	"firn/process"
)

// KeyFileName is the name of the key file that firn init writes, and that a command looks for if no other key is given.
const KeyFileName = "firn.key"

// KeySource returns the first source of a key that is given: flags before the
// environment before the configuration. It is empty if none is.
func (c *Caller) KeySource(conf *config.Config) (config.KeySource, error) {
	return config.FirstKey(
		config.KeySource{Origin: cmp.Or(c.Settings.Origin, "the flags"), KeyFile: c.Settings.KeyFile, PasswordFile: c.Settings.PasswordFile, PasswordCommand: c.Settings.PasswordCommand, Password: c.Settings.Password},
		c.EnvironmentKey(),
		conf.KeySource())
}

// EnvironmentKey returns what the environment variables say of the key.
func (c *Caller) EnvironmentKey() config.KeySource {
	return config.KeySource{Origin: "the environment variables", KeyFile: c.Getenv("FIRN_KEY_FILE"), PasswordFile: c.Getenv("FIRN_PASSWORD_FILE"), Password: c.Getenv("FIRN_PASSWORD")}
}

// credential reads the key of the repository. If none is given it asks for a password, where a person can be asked.
func (c *Caller) credential(ctx context.Context, conf *config.Config) (crypt.Credential, config.KeySource, error) {
	k, err := c.KeySource(conf)
	if err != nil {
		return crypt.Credential{}, k, err
	}
	if k.Count() == 0 {
		k = config.KeySource{KeyFile: DefaultKeyFile(conf)}
	}
	if k.Count() > 0 {
		key, err := c.ReadKey(ctx, k)
		return key, k, err
	}
	if c.AskPassword == nil {
		return crypt.Credential{}, k, outcome.Usage(`Give --key-file, --password-file or --password-command: see "firn help flags".`, "no key is given")
	}
	password, err := c.AskPassword(ctx, "Password: ")
	return crypt.Password(password), k, err
}

// DefaultKeyFile returns the key file at its usual place, or "" if it is not there.
func DefaultKeyFile(conf *config.Config) string {
	path := filepath.Join(conf.Dir(), KeyFileName)
	if _, err := os.Lstat(path); err != nil {
		return ""
	}
	return path
}

// ReadKey reads the key that a source names.
func (c *Caller) ReadKey(ctx context.Context, k config.KeySource) (crypt.Credential, error) {
	switch {
	case k.KeyFile != "":
		return c.ReadKeyFile(ctx, k.KeyFile)
	case k.PasswordFile != "":
		return c.ReadPasswordFile(ctx, k.PasswordFile)
	case k.PasswordCommand != "":
		return runPasswordCommand(ctx, c, k.PasswordCommand)
	}
	origin := "the password"
	if k.Password == c.Getenv("FIRN_PASSWORD") {
		origin = "FIRN_PASSWORD"
	}
	return password([]byte(k.Password), origin)
}

// ReadKeyFile reads a key file, or standard input for -.
func (c *Caller) ReadKeyFile(ctx context.Context, path string) (crypt.Credential, error) {
	text, err := c.readSecret(ctx, path)
	if ctx.Err() != nil {
		return crypt.Credential{}, ctx.Err()
	}
	if err != nil {
		hint := outcome.TrustHint(err, `Put it there, or name another file: "firn help flags" tells where keys are looked for.`)
		return crypt.Credential{}, outcome.New(fmt.Errorf("read key file: %w", err), outcome.CodeWrongKey, hint)
	}
	if path != config.StandardInput && len(bytes.TrimSpace(text)) == 0 {
		return crypt.Credential{}, outcome.New(fmt.Errorf("read key file %s: it is empty", path), outcome.CodeWrongKey, `Put a copy of the key there. If there never was one, remove the empty file, and run "firn init".`)
	}
	key, err := crypt.ParseKeyFile(bytes.TrimPrefix(text, []byte(markUTF8)))
	if err != nil {
		return crypt.Credential{}, outcome.New(fmt.Errorf("read key file %s: %w", path, err), outcome.CodeWrongKey, `A key file is what "firn init" or "firn key generate" wrote.`)
	}
	c.Detail("key file: %s", path)
	return key.Credential(), nil
}

// ReadPasswordFile reads the password in the first line of a file, or of standard input for -.
func (c *Caller) ReadPasswordFile(ctx context.Context, path string) (crypt.Credential, error) {
	text, err := c.readSecret(ctx, path)
	if ctx.Err() != nil {
		return crypt.Credential{}, ctx.Err()
	}
	if err != nil {
		return crypt.Credential{}, outcome.New(fmt.Errorf("read password file: %w", err), outcome.CodeWrongKey, "")
	}
	return password(text, "password file "+path)
}

// runPasswordCommand runs a command that prints the password. It may talk to the user: it has the input and the error output
// of this program.
func runPasswordCommand(ctx context.Context, c *Caller, command string) (crypt.Credential, error) {
	cmd := process.Shell(ctx, command)
	cmd.Env = os.Environ() // see withoutSecrets
	cmd.Stdin, cmd.Stderr = c.Input, c.CommandOutput
	out, err := cmd.Output()
	if err != nil {
		return crypt.Credential{}, outcome.New(fmt.Errorf("run password command: %w", err), outcome.CodeWrongKey, "")
	}
	return password(out, "password command")
}

// password takes the password out of a text, which is its first line as [FirstLine] returns it, wherever the text comes
// from. So the same password opens a repository in every way.
func password(text []byte, origin string) (crypt.Credential, error) {
	line, err := FirstLine(text)
	if err != nil {
		return crypt.Credential{}, outcome.New(fmt.Errorf("%s: %w", origin, err), outcome.CodeWrongKey, "")
	}
	return crypt.Password(line), nil
}
