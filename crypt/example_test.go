package crypt_test

import (
	"errors"
	"fmt"
	"log"
	"time"

	"firn/crypt"
)

func ExampleNewSlot() {
	secret, repo := crypt.NewSecret(), crypt.NewRepositoryID()
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	slot, err := crypt.NewSlot(secret, repo, crypt.Password("correct horse"), "ops team", created)
	if err != nil {
		log.Fatal(err)
	}
	stored, err := slot.Marshal()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(stored[:42]))
	// Output: {"v":1,"kdf":"argon2id","t":3,"m_kib":6553
}

func ExampleSlot_Open() {
	secret, repo := crypt.NewSecret(), crypt.NewRepositoryID()
	key := crypt.NewKeyFile()
	slot, err := crypt.NewSlot(secret, repo, key.Credential(), "cron on db1", time.Now())
	if err != nil {
		log.Fatal(err)
	}

	opened, err := slot.Open(repo, key.Credential())
	fmt.Println(opened.Equal(secret), err)

	_, err = slot.Open(repo, crypt.NewKeyFile().Credential())
	fmt.Println(errors.Is(err, crypt.ErrWrongKey), err)
	// Output:
	// true <nil>
	// true wrong password or key file
}
