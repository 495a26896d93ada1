package pull

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"firn/snapshot"
	"firn/sqlite"
)

// The kinds of frames of a restore. [Hash], [Hashes], [Hashed], [Unknown], [Wanted], [Data], [Beat] and [Failed] are as in the reading of an
// image, but that the puller sends the pages.
const (
	Begin   Kind = 'B' // puller, JSON: [RestoreRequest]
	Ready   Kind = 'y' // agent, JSON: [TargetAnswer]; the target is claimed
	Stage   Kind = 'I' // puller, JSON: [StageRequest]; its first page follows, as [Data]
	Staged  Kind = 'i' // agent, empty; there is room for the image
	Pages   Kind = 'P' // puller, ranges; the bytes of the pages in them follow, as [Data]
	Replace Kind = 'X' // puller, empty; the target is to become the image
	Locked  Kind = 'L' // agent, JSON: [Described]; the target is locked, and as described
	Go      Kind = 'G' // puller, empty; all that is replaced is saved, and all pages that differ were sent
	All     Kind = 'a' // agent, empty; all pages of the image are wanted
	Done    Kind = 'z' // agent, JSON: [RestoreAnswer]
)

// TargetRequest asks for what is known of a target.
type TargetRequest struct {
	Database string        `json:"database"`
	Timeout  time.Duration `json:"timeout,omitempty"` // for locks; nanoseconds
}

// TargetAnswer is what is known of a database that may be replaced.
type TargetAnswer struct {
	Exists   bool      `json:"exists,omitempty"`  // and is not empty
	Missing  bool      `json:"missing,omitempty"` // there is not even an empty file
	Broken   *Failure  `json:"broken,omitempty"`  // why it is no database that could be saved and changed
	Image    Described `json:"image,omitzero"`    // unless it is broken
	Size     int64     `json:"size,omitempty"`    // of the file, bytes
	Modified time.Time `json:"modified,omitzero"`
}

// BrokenError returns why the target is no database that could be saved and changed, nil if it is one.
func (a *TargetAnswer) BrokenError() error {
	if a.Broken == nil {
		return nil
	}
	return a.Broken.err()
}

// RestoreRequest begins a restore.
type RestoreRequest struct {
	Database string        `json:"database"`
	Timeout  time.Duration `json:"timeout,omitempty"` // for locks; nanoseconds
}

// StageRequest describes the image that replaces a target.
type StageRequest struct {
	PageSize  int              `json:"page_size"`
	PageCount int64            `json:"page_count"`
	Offline   bool             `json:"offline,omitempty"` // no application has the target open
	New       bool             `json:"new,omitempty"`     // the target does not exist
	KeepAs    string           `json:"keep_as,omitempty"` // the end of the name under which a broken target is kept
	Access    *snapshot.Access `json:"access,omitempty"`  // for a target that is made anew
}

// RestoreAnswer is a [sqlite.RestoreResult].
type RestoreAnswer struct {
	Method       string `json:"method"`
	PagesWritten int64  `json:"pages_written"`
	PageCount    int64  `json:"page_count"`
	Kept         string `json:"kept,omitempty"`    // the file that a broken target has become
	Warning      string `json:"warning,omitempty"` // what could not be done besides
}

// Target asks what is known of the database at a path, which is to be replaced.
func (h *Host) Target(ctx context.Context, path string, timeout time.Duration) (*TargetAnswer, error) {
	var answer TargetAnswer
	if err := h.ask(ctx, PathTarget, TargetRequest{Database: path, Timeout: timeout}, &answer); err != nil {
		return nil, err
	}
	return &answer, answer.check()
}

// check returns an error unless the other side has described a target that can be.
func (a *TargetAnswer) check() error {
	if !a.Exists || a.Broken != nil {
		return nil
	}
	return a.Image.check(false)
}

// Restore is one restore into a database on another host. Its steps are, in this order: [Host.BeginRestore], [Restore.Send],
// [Restore.Replace], and [Restore.Close] in any case. The target stays claimed until the close.
type Restore struct {
	exchange *exchange
	path     string
	image    io.ReaderAt // the image that replaces the target
	table    *Table      // of the image; nil before the first comparison
	pageSize int64
	size     int64
	compared Described // what the target was when its pages were compared; zero for never
}

// BeginRestore claims the database at a path.
func (h *Host) BeginRestore(ctx context.Context, path string, timeout time.Duration) (*Restore, error) {
	e, err := h.exchange(ctx, PathRestore)
	if err != nil {
		return nil, err
	}
	r := &Restore{exchange: e, path: path}
	if err = e.sendJSON(Begin, RestoreRequest{Database: path, Timeout: timeout}); err == nil {
		_, err = e.expect(Ready)
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Close ends the restore. What was sent is removed, unless it has become the target.
func (r *Restore) Close() { r.exchange.close() }

// Send sends the pages of an image in which the target differs from it, while the target is in use. Image has the bytes until
// the restore is closed.
func (r *Restore) Send(image io.ReaderAt, q StageRequest) error {
	r.image, r.pageSize, r.size = image, int64(q.PageSize), int64(q.PageSize)*q.PageCount
	first := make([]byte, q.PageSize)
	if _, err := image.ReadAt(first, 0); err != nil {
		return err
	}
	err := r.exchange.sendJSON(Stage, q)
	if err == nil {
		err = r.exchange.send(Data, first)
	}
	if err != nil {
		return err
	}
	if _, err := r.exchange.expect(Staged); err != nil || q.New || q.KeepAs != "" {
		return err
	}
	return r.sendDiffering()
}

// sendDiffering has the agent hash the pages of the target, and sends those that differ.
func (r *Restore) sendDiffering() error {
	if err := r.makeTable(); err != nil {
		return err
	}
	if err := r.exchange.send(Hash, r.table.key[:]); err != nil {
		return err
	}
	kind, content, err := r.exchange.next()
	if err != nil || kind == Unknown {
		return err
	}
	if kind != Opened {
		return unexpected(kind)
	}
	r.compared = Described{}
	if err := json.Unmarshal(content, &r.compared); err != nil {
		return fmt.Errorf("%w: %w", ErrFrame, err)
	}
	if err := r.compared.check(false); err != nil {
		return err
	}
	c := r.table.comparison()
	if err := c.receive(r.exchange, r.compared.PageCount); err != nil {
		return err
	}
	return r.sendRanges(within(c.ranges, r.compared.Size, r.size))
}

// makeTable makes the table of the image, once.
func (r *Restore) makeTable() error {
	if r.table != nil {
		return nil
	}
	t := newTable(int(r.pageSize))
	if _, err := io.CopyBuffer(t.writer(), io.NewSectionReader(r.image, 0, r.size), make([]byte, 1<<20)); err != nil {
		return err
	}
	r.table = t
	return nil
}

// within returns the ranges in which an image differs from a target: those of the comparison as far as the image goes, and what
// the image has beyond the target.
func within(ranges [][2]int64, target, image int64) (differ [][2]int64) {
	for _, span := range ranges {
		if span[0] < image {
			differ = append(differ, [2]int64{span[0], min(span[1], image)})
		}
	}
	if image > target {
		differ = append(differ, [2]int64{target, image})
	}
	return differ
}

// sendRanges sends the pages in ranges.
func (r *Restore) sendRanges(ranges [][2]int64) error {
	if err := r.exchange.sendRanges(Wanted, Pages, ranges, r.pageSize); err != nil {
		return err
	}
	piece := make([]byte, dataFrame)
	for _, span := range ranges {
		for at := span[0]; at < span[1]; at += int64(len(piece)) {
			piece = piece[:min(dataFrame, span[1]-at)]
			if _, err := r.image.ReadAt(piece, at); err != nil && err != io.EOF {
				return err
			}
			if err := r.exchange.send(Data, piece); err != nil {
				return err
			}
		}
	}
	return nil
}

// Replace has the agent make the target equal to the image, in one transaction. Locked is called while no other connection can
// write the target; its error ends the restore.
func (r *Restore) Replace(locked func() error) (*RestoreAnswer, error) {
	if err := r.exchange.send(Replace, nil); err != nil {
		return nil, err
	}
	for {
		kind, content, err := r.exchange.next()
		if err != nil {
			return nil, err
		}
		switch kind {
		case Locked:
			err = r.underLock(content, locked)
		case All:
			err = r.sendRanges([][2]int64{{0, r.size}})
		case Done:
			answer := &RestoreAnswer{}
			if err := json.Unmarshal(content, answer); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrFrame, err)
			}
			answer.Method, answer.Kept, answer.Warning = clean(answer.Method), clean(answer.Kept), clean(answer.Warning)
			return answer, nil
		default:
			err = unexpected(kind)
		}
		if err != nil {
			return nil, err
		}
	}
}

// underLock has everything saved that is replaced, and sends the pages in which the target has come to differ since they were
// compared.
func (r *Restore) underLock(content []byte, locked func() error) error {
	var d Described
	if err := json.Unmarshal(content, &d); err != nil {
		return fmt.Errorf("%w: %w", ErrFrame, err)
	}
	if err := locked(); err != nil {
		return err
	}
	var now, before sqlite.Fingerprint
	if json.Unmarshal(d.Fingerprint, &now) != nil || json.Unmarshal(r.compared.Fingerprint, &before) != nil || !now.Same(before) {
		if err := r.sendDiffering(); err != nil {
			return err
		}
	}
	return r.exchange.send(Go, nil)
}
