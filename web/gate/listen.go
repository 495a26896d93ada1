package gate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"firn/outcome"
	"firn/site"
)

// ListenOptions say where a server listens.
type ListenOptions struct {
	Address     string              // host:port, or unix:path
	TLS         bool                // connections are encrypted
	BehindProxy bool                // a proxy encrypts them
	HasToken    bool                // there is a token
	Getenv      func(string) string // of what systemd says of a socket that it hands over
}

// firstHandedOver is the number of the first descriptor that systemd hands over.
const firstHandedOver = 3

// Listen opens the server's socket, or takes the one that systemd has opened. It refuses an address that other hosts reach unless
// there is a token and the connections are encrypted, here or by a proxy: what is served is all of the data.
func Listen(ctx context.Context, o ListenOptions) (net.Listener, error) {
	l, err := handedOver(o.Getenv)
	if err == nil && l == nil {
		var at net.Addr
		if at, err = addressOf(o.Address); err == nil {
			err = o.allow(at) // before the socket is there
		}
		if err == nil {
			l, err = open(ctx, o.Address)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := o.allow(l.Addr()); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// handedOver returns the socket that systemd has opened, nil for none (sd_listen_fds).
func handedOver(getenv func(string) string) (net.Listener, error) {
	if getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	if n := getenv("LISTEN_FDS"); n != "1" {
		return nil, outcome.Usage("", "systemd has handed over %s sockets, and firn serves one", n)
	}
	file := os.NewFile(firstHandedOver, "socket of systemd")
	defer file.Close() // the listener has a descriptor of its own
	l, err := net.FileListener(file)
	if err != nil {
		return nil, fmt.Errorf("take socket of systemd: %w", err)
	}
	return l, nil
}

// unixPrefix begins the address of a unix socket.
const unixPrefix = "unix:"

// open opens a socket.
func open(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	path, isUnix := strings.CutPrefix(address, unixPrefix)
	if !isUnix {
		l, err := config.Listen(ctx, "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("listen at %s: %w", address, err)
		}
		return l, nil
	}
	if err := removeSocket(ctx, path); err != nil {
		return nil, err
	}
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", address, err)
	}
	if err := os.Chmod(path, site.PrivateMode); err != nil {
		return nil, errors.Join(fmt.Errorf("listen at %s: %w", address, err), l.Close())
	}
	return l, nil
}

// removeSocket removes a socket that a killed server has left.
func removeSocket(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listen at %s: %w", path, err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return outcome.Usage("", "listen at %s: another file has this name", path)
	}
	var dialer net.Dialer
	if c, err := dialer.DialContext(ctx, "unix", path); err == nil {
		return errors.Join(outcome.Failed("Stop it, or choose another path.", "listen at %s: another program listens there", path), c.Close())
	}
	return site.RemoveFile(path)
}

// addressOf returns an address as a listener would tell it, for the rules. The host of a name that is not localhost may be
// anything.
func addressOf(text string) (net.Addr, error) {
	if path, ok := strings.CutPrefix(text, unixPrefix); ok {
		return &net.UnixAddr{Name: path, Net: "unix"}, nil
	}
	host, _, err := net.SplitHostPort(text)
	if err != nil {
		return nil, outcome.Usage("Write HOST:PORT, or unix:PATH.", "listen at %q: %w", text, err)
	}
	if host == "localhost" {
		return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, nil
	}
	return &net.TCPAddr{IP: net.ParseIP(host)}, nil
}

// allow refuses an address that other hosts reach without what protects the data on the way.
func (o ListenOptions) allow(a net.Addr) error {
	if isLocal(a) {
		return nil
	}
	if !o.TLS && !o.BehindProxy {
		return outcome.Usage("Give --tls-cert and --tls-key, or --behind-proxy if a proxy encrypts the connections. Or listen at 127.0.0.1.",
			"%s is reached by other hosts, and the connections are not encrypted", a)
	}
	if !o.HasToken {
		return outcome.Usage(`Make one first: "firn token add".`, "%s is reached by other hosts, and there is no token", a)
	}
	return nil
}

// isLocal reports whether only this host reaches an address.
func isLocal(a net.Addr) bool {
	if _, ok := a.(*net.UnixAddr); ok {
		return true
	}
	at, err := netip.ParseAddrPort(a.String())
	return err == nil && at.Addr().Unmap().IsLoopback()
}
