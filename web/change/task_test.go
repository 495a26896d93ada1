package change_test

import (
	"testing"

	"firn/access"
	"firn/web/change"
)

func TestTitle(t *testing.T) {
	t.Parallel()
	const id = "3f2a91c000000000000000000000000a"
	for want, e := range map[string]access.Event{
		"Back up app":                                       {What: "backup", Environment: "app"},
		"Verify snapshot 3f2a91c0 of app":                   {What: "verify", Environment: "app", Snapshot: id},
		"Restore ID of ENV from snapshot bad":               {What: "restore", Environment: "ID of ENV", Snapshot: "bad"},
		"Restore demo from snapshot 3f2a91c0 of production": {What: "restore", Environment: "demo", Source: "production", Snapshot: id},
		"Prune the repository":                              {What: "prune"},
		"newer app 3f2a91c0":                                {What: "newer", Environment: "app", Snapshot: id},
		"newer":                                             {What: "newer"},
	} {
		if got := change.Title(e); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
