package s3test_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"firn/internal/s3test"
)

// victimEnv makes TestVictim start a server and wait for its death.
const victimEnv = "FIRN_S3TEST_VICTIM"

// TestServerDiesWithBinary kills a test binary, which then has no chance to clean up.
func TestServerDiesWithBinary(t *testing.T) {
	t.Parallel()
	victim := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$", "-test.v")
	victim.Env = append(os.Environ(), victimEnv+"=1", "TMPDIR="+t.TempDir())
	stdout, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	address := ""
	for lines := bufio.NewScanner(stdout); address == "" && lines.Scan(); {
		_, address, _ = strings.Cut(lines.Text(), "serving http://")
	}
	victim.Process.Kill()
	victim.Wait()
	if address == "" {
		t.Fatal("the other binary started no server")
	}
	awaitSilence(t, address)
}

func TestVictim(t *testing.T) {
	if os.Getenv(victimEnv) == "" {
		t.Skip("is for TestServerDiesWithBinary to start")
	}
	fmt.Println("\nserving", s3test.Start(t, s3test.Options{}).URL)
	<-t.Context().Done()
}

// awaitSilence waits until no process listens on an address, because the kernel needs time to kill the server.
func awaitSilence(t *testing.T, address string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		conn.Close()
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("a server still listens on %q", address)
		}
	}
}
