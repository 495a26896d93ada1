package repo

import (
	"errors"
	"testing"
	"time"

	"firn/crypt"
)

// TestBudget spends the work for trying slots: it is enough for all usual slots that there may be, and for few of the dearest.
func TestBudget(t *testing.T) {
	t.Parallel()
	password, file := crypt.Password("correct horse battery"), crypt.KeyFileOf([]byte{1}).Credential()
	usual := &crypt.Slot{KDF: crypt.KDFPassword, Time: 3, MemoryKiB: 64 << 10}
	dear := &crypt.Slot{KDF: crypt.KDFPassword, Time: 4, MemoryKiB: 256 << 10}
	for _, tt := range []struct {
		name string
		slot *crypt.Slot
		with crypt.Credential
		want int
	}{
		{"Usual", usual, password, maxSlots},
		{"Dear", dear, password, 12},
		{"OtherKind", dear, file, 1000},
	} {
		spending, got := newBudget(), 0
		for got < 1000 && spending.spend(tt.slot, tt.with) {
			got++
		}
		if got != tt.want {
			t.Errorf("%s: %d slots are tried, want %d", tt.name, got, tt.want)
		}
	}
}

// TestScanSpendsABudget has a repair look at a slot of its own password when nothing may
// be spent any more: then it passes for another credential's.
func TestScanSpendsABudget(t *testing.T) {
	t.Parallel()
	secret, password := crypt.NewSecret(), crypt.Password("correct horse battery")
	slot, err := crypt.NewSlot(secret, fuzzID, password, "", time.Unix(1e9, 0))
	if err != nil {
		t.Fatal(err)
	}
	b, err := slot.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	r := &Repo{id: fuzzID, unlocked: password}
	spending := &budget{crypt.SlotWork}
	if got, err := r.verifySlot(b, spending); err != nil || !got.Equal(secret) {
		t.Errorf("with a budget: got %v, want the secret", err)
	}
	if _, err := r.verifySlot(b, spending); !errors.Is(err, crypt.ErrWrongKey) {
		t.Errorf("when that is spent: got %v, want ErrWrongKey", err)
	}
}
