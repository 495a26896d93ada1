package cmd

import (
	"errors"
	"strings"

	"firn/outcome"
)

// fail prints an error and returns its exit code. An [outcome.Reported] is not printed again.
func (c *cli) fail(err error) int {
	code, hint := outcome.Classify(err)
	if _, ok := errors.AsType[*outcome.Reported](err); !ok {
		c.printError(err, code, hint)
	}
	return code
}

// printError writes an error to standard error.
func (c *cli) printError(err error, code int, hint string) {
	if c.json {
		c.writeJSON(c.stderr, errorMessage{"error", code, err.Error(), hint})
		return
	}
	c.bar.Load().hide()
	for _, text := range messages(err) {
		_ = c.style(c.stderr, red, "firn:") // no other stream is left for this error
		c.printMessage(c.stderr, " ", "%s", text)
	}
	if hint != "" {
		c.printMessage(c.stderr, "firn: hint: ", "%s", hint)
	}
}

// errorMessage is an error in JSON.
type errorMessage struct {
	Type    string `json:"message_type"` // "error"
	Code    int    `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// messages returns the message of an error, or the messages of several errors that were joined.
func messages(err error) (texts []string) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []string{err.Error()}
	}
	for _, e := range joined.Unwrap() {
		texts = append(texts, messages(e)...)
	}
	if strings.Join(texts, "\n") != err.Error() { // it is one error with several causes
		return []string{err.Error()}
	}
	return texts
}
