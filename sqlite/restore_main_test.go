package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"firn/sqlite"
)

// restoreEnv tells a re-executed test binary to restore: "target\nimage\nimage".
const restoreEnv = "FIRN_SQLITE_RESTORE"

// restoreMain restores one image after the other until it is killed, if the process was started by restoreUntil.
func restoreMain() {
	task, ok := os.LookupEnv(restoreEnv)
	if !ok {
		return
	}
	files := strings.Split(task, "\n")
	for n := 1; ; n++ {
		_, err := sqlite.Restore(context.Background(), files[0], files[1+n%2], sqlite.RestoreOptions{})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if n == 1 {
			fmt.Println("restored")
		}
		if n == 2000 { // the test has died
			os.Exit(0)
		}
	}
}

// restoreUntil restores two images in turns in another process, and kills it some time after the first.
func restoreUntil(t *testing.T, end time.Duration, target string, images [2]string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), restoreEnv+"="+target+"\n"+images[0]+"\n"+images[1])
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Errorf("restoring process: %v", err)
	}
	kill := time.AfterFunc(end, func() { cmd.Process.Kill() })
	defer kill.Stop()
	cmd.Wait()
}
