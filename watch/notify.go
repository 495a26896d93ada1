package watch

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"firn/session"
)

// notifier tells systemd how the watch gets on (sd_notify(3)): datagrams of lines to a socket. A nil notifier tells nobody. Each
// datagram is given up if it cannot be sent at once: systemd then misses a sign of life, and asks for another one soon.
type notifier struct {
	address  string        // of the socket
	watchdog time.Duration // between two signs of life; 0 for none
	beat     timer
	status   string // that was told last
	ready    bool
}

// newNotifier returns a notifier for the socket that systemd names; nil for none.
func newNotifier(c *session.Caller) *notifier {
	address := c.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return nil
	}
	n := &notifier{address: address}
	if limit, err := strconv.ParseInt(c.Getenv("WATCHDOG_USEC"), 10, 64); err == nil {
		n.watchdog = time.Duration(limit) * time.Microsecond / 2
	}
	return n
}

// send sends lines.
func (n *notifier) send(lines ...string) error {
	if n == nil {
		return nil
	}
	address := n.address
	if strings.HasPrefix(address, "@") {
		address = "\x00" + address[1:] // an abstract socket has no file
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	defer conn.Close()
	_, err = conn.Write([]byte(strings.Join(lines, "\n")))
	return err
}

// turned is told of each turn of the loop, and whether the databases were looked at.
func (n *notifier) turned(now instant, looked bool, status string) {
	if n == nil {
		return
	}
	var lines []string
	if looked && !n.ready {
		n.ready = true
		lines = append(lines, "READY=1")
	}
	if status != n.status {
		n.status = status
		lines = append(lines, "STATUS="+status)
	}
	if n.watchdog > 0 && n.beat.due(now) {
		n.beat.set(now, n.watchdog)
		lines = append(lines, "WATCHDOG=1")
	}
	if len(lines) > 0 {
		_ = n.send(lines...) // nothing depends on it
	}
}

// tellSystemd tells systemd of a turn of the loop.
func (w *Watch) tellSystemd(now instant) {
	if w.notifier != nil {
		w.notifier.turned(now, w.looked(), w.status(now))
	}
}

// reloading says that the configuration is being read again. The end of that is said by [notifier.reloaded].
func (n *notifier) reloading() {
	_ = n.send("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", monotonic().Microseconds()))
}

// reloaded says that the configuration was read again.
func (n *notifier) reloaded() { _ = n.send("READY=1") }

// stopping says that the watch ends.
func (n *notifier) stopping() { _ = n.send("STOPPING=1", "STATUS=a last round") }

// waiting says that the watch cannot begin yet, and asks for more time than the pause before the next attempt.
func (n *notifier) waiting(why string) {
	_ = n.send("STATUS="+why, fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", (4*storePause).Microseconds()))
}
