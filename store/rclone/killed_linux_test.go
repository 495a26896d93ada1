package rclone_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"firn/store"
	"firn/store/rclone"
)

// victimEnv makes TestVictim open a place by the program that it names, and wait for its death.
const victimEnv = "FIRN_RCLONE_VICTIM"

// TestDiesWithParent kills a process that has opened a place, and has no chance to close it.
func TestDiesWithParent(t *testing.T) {
	t.Parallel()
	i := install(t, newer)
	victim := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$")
	victim.Env = append(os.Environ(), victimEnv+"="+i.program, "TMPDIR="+t.TempDir())
	stdout, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	ready := false
	for lines := bufio.NewScanner(stdout); !ready && lines.Scan(); {
		ready = strings.Contains(lines.Text(), "opened")
	}
	_ = victim.Process.Kill()
	_ = victim.Wait() // it was killed
	if !ready {
		t.Fatal("the other process opened no place")
	}
	await(t, "rclone has ended", func() bool {
		return len(i.noted(t, "ends")) == 1
	})
}

func TestVictim(t *testing.T) {
	program := os.Getenv(victimEnv)
	if program == "" {
		t.Skip("is for TestDiesWithParent to start")
	}
	s, err := rclone.Kind{Program: program}.Open(t.Context(), "rclone:box:firn", store.Access{})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("\nopened", s != nil)
	<-t.Context().Done()
}
