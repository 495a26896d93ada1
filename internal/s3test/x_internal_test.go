package s3test

import (
	"net"
	"testing"
)

// TestPortTaken checks that a server logs the expected words if another process has its port.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	program, err := Program(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &Server{AccessKey: "a", SecretKey: "b"}
	args := append([]string{"--port", l.Addr().String()}, s.arguments(t, Options{})...)
	p, err := startProcess(program, args, []string{"ROOT_ACCESS_KEY=a", "ROOT_SECRET_KEY=b"})
	if err != nil {
		t.Fatal(err)
	}
	<-p.done
	if log := p.end(); !portTaken(log) {
		t.Errorf("a taken port is not seen in the log:\n%s", log)
	}
}
