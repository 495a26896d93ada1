package sftp

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/pkg/sftp"

	"firn/ssh"
	"firn/store"
)

// The codes of answers: "failure", and those of later versions of the protocol, which some servers send.
const (
	codeFailure = 4
	codeNoSpace = 14
	codeQuota   = 15
)

// code returns the code of an answer, -1 if there is none.
func code(err error) int {
	if status, ok := errors.AsType[*sftp.StatusError](err); ok {
		return int(status.Code)
	}
	return -1
}

// explainAnswer returns the answer of a server as an error of package store. The errors fs.ErrNotExist and fs.ErrExist stay
// as they are.
func explainAnswer(err error) error {
	switch {
	case errors.Is(err, store.ErrDenied), errors.Is(err, ssh.ErrLogin):
		return err
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s%w", strings.TrimSuffix(err.Error(), fs.ErrPermission.Error()), store.ErrRights)
	case saysFull(err):
		return fmt.Errorf("%w: %w", store.ErrNoSpace, err)
	}
	return err
}

// saysFull reports whether the server says that there is no room. OpenSSH's says "failure" alone.
func saysFull(err error) bool {
	if n := code(err); n < 0 {
		return false
	} else if n == codeNoSpace || n == codeQuota {
		return true
	}
	text := strings.ToLower(err.Error())
	for _, words := range []string{"no space", "quota", "disk full"} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// hidden returns an error with the same text that matches none of those with a meaning in a [store.Store].
func hidden(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) || errors.Is(err, io.EOF) {
		return errors.New(err.Error())
	}
	return err
}
