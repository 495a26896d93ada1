package cmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"firn/access"
	"firn/config"
	"firn/outcome"
	"firn/session"
	"firn/watch"
	"firn/web"
	"firn/web/gate"
)

// serveOptions are the flags of serve.
type serveOptions struct {
	listen, cert, key string
	hosts             []string
	behindProxy       bool
	watch             bool
}

func newServe(c *cli) *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Show the history in a browser, and answer programs over HTTP",
		Long: `Serves pages with all databases, their snapshots, the tables and rows of any snapshot, and
what differs between two. Buttons back up, verify, restore, undo, check and prune, for
clients that may do so. Programs get the JSON of the command line below /api/v1, and
Prometheus gets /metrics. docs/serve.md has the API, and how to put a proxy in front.

A link on standard output signs a browser in. It is good once, for ten minutes. Programs,
and people later, use tokens: see "firn token add --help".

Other hosts reach the server only if --listen names such an address. That needs a token,
and TLS, or --behind-proxy for a proxy that encrypts the connections. A proxy must pass
on the Host header, and the name in it is given as --host.

With --watch, the same process takes snapshots, as "firn watch" does. Systemd may open the
socket: deploy/firn-serve.socket is an example.

Signals: TERM ends it when changes under way are done. HUP reads the configuration again;
requests under way keep the one before.`,
		Example: `  firn serve
  firn serve --watch
  firn serve --listen :7777 --tls-cert cert.pem --tls-key key.pem --host nas.lan
  firn serve --listen unix:/run/firn.sock --behind-proxy --host firn.example`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.serve(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.listen, "listen", "127.0.0.1:7777", "`address` to listen at, or unix:PATH")
	f.StringVar(&o.cert, "tls-cert", "", "`file` with the certificate, for TLS")
	f.StringVar(&o.key, "tls-key", "", "`file` with the key of the certificate")
	f.BoolVar(&o.behindProxy, "behind-proxy", false, "a proxy encrypts, and adds the client to X-Forwarded-For")
	f.StringArrayVar(&o.hosts, "host", nil, "`name` by which browsers reach the server")
	f.BoolVar(&o.watch, "watch", false, "take snapshots meanwhile")
	_ = cmd.MarkFlagFilename("tls-cert") // the flags exist: no error
	_ = cmd.MarkFlagFilename("tls-key")
	return cmd
}

// serve runs the command.
func (c *cli) serve(ctx context.Context, o serveOptions) (err error) {
	if (o.cert == "") != (o.key == "") {
		return outcome.Usage("", "--tls-cert and --tls-key go together")
	}
	s, err := c.start()
	if err != nil {
		return err
	}
	tokens, log, err := s.openAccess()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	l, err := c.listen(ctx, tokens, o)
	if err != nil {
		return err
	}
	defer l.Close() // the server has closed it, unless nothing was served
	options := web.Options{Tokens: tokens, Log: log, Hosts: o.hosts, BehindProxy: o.behindProxy, CertFile: o.cert, KeyFile: o.key}
	v := &served{c: c, s: s.Session, listener: l, options: options}
	if o.watch {
		return v.serveAndWatch(ctx, s)
	}
	defer c.signals.take(v.takeSignal)()
	if err := s.openStarted(ctx); err != nil {
		return err
	}
	defer s.Close()
	return v.serve(ctx)
}

// openAccess opens the tokens and the log of changes of a repository on this host.
func (s *opened) openAccess() (*access.File, *access.Log, error) {
	tokens, err := s.openTokens()
	if err != nil {
		return nil, nil, err
	}
	log, err := access.OpenLog(s.accessDir())
	return tokens, log, err
}

// listen opens the socket.
func (c *cli) listen(ctx context.Context, tokens *access.File, o serveOptions) (net.Listener, error) {
	list, err := tokens.List()
	if err != nil {
		return nil, err
	}
	return gate.Listen(ctx, gate.ListenOptions{
		Address: o.listen, TLS: o.cert != "", BehindProxy: o.behindProxy, HasToken: len(list) > 0, Getenv: c.program.Getenv,
	})
}

// served is a repository that is served.
type served struct {
	c        *cli
	s        *session.Session
	listener net.Listener
	options  web.Options
	running  atomic.Pointer[web.Server] // nil as long as the repository is not open
}

// serve serves until the context ends.
func (v *served) serve(ctx context.Context) error {
	server, err := web.New(v.s, v.options)
	if err != nil {
		return err
	}
	v.running.Store(server)
	at := v.listener.Addr()
	v.c.Done("Serving %s at %s", v.s.Place, at)
	if v.c.program.Getenv("JOURNAL_STREAM") == "" { // a journal is no place for secrets
		v.c.Done("Sign in, once and within ten minutes: %s/sign-in#%s", baseOf(at, v.options), server.Link())
	}
	if err := server.Serve(ctx, v.listener); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// takeSignal reads the configuration again at a hang-up, and reports whether the server goes on.
func (v *served) takeSignal(received os.Signal) bool {
	if received != syscall.SIGHUP {
		return false
	}
	go func() {
		conf, err := v.c.program.LoadConfig()
		if err != nil {
			v.c.warn("the configuration was not taken over, the one before stays: %v", err)
			return
		}
		v.reload(conf)
		if kept := watch.Fixed(v.s.Conf, conf); len(kept) > 0 {
			v.c.warn("the configuration was read again, but for %s: these need a new start", strings.Join(kept, ", "))
			return
		}
		v.c.Done("The configuration was read again")
	}()
	return true
}

// reload has further requests answered by another configuration.
func (v *served) reload(conf *config.Config) {
	if server := v.running.Load(); server != nil {
		server.Reload(conf)
	}
}

// baseOf returns the beginning of the server's URLs in a browser.
func baseOf(a net.Addr, o web.Options) string {
	scheme, host := "http", a.String()
	if o.CertFile != "" || o.BehindProxy {
		scheme = "https"
	}
	if _, port, err := net.SplitHostPort(host); err == nil && strings.HasPrefix(host, "[::]") {
		host = "localhost:" + port
	}
	if len(o.Hosts) > 0 {
		host = o.Hosts[0]
		if tcp, ok := a.(*net.TCPAddr); ok && !o.BehindProxy {
			host = fmt.Sprintf("%s:%d", host, tcp.Port)
		}
	}
	if _, ok := a.(*net.UnixAddr); ok && len(o.Hosts) == 0 {
		return "" // the proxy's name is not known
	}
	return scheme + "://" + host
}

// serveAndWatch serves and watches until the context, the server or the watch ends.
func (v *served) serveAndWatch(ctx context.Context, s *opened) error {
	w, end, err := v.c.beginWatch(ctx, s, watch.Options{}, v.reload)
	if err != nil {
		return err
	}
	defer end()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := w.Run(ctx); err != nil || ctx.Err() != nil {
			return err
		}
		return errors.New("the watch has ended")
	})
	g.Go(func() error { return v.serve(ctx) })
	return g.Wait()
}
