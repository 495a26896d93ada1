package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"firn/pull"
	"firn/scratch"
	"firn/site"
	"firn/sqlite"
)

// restore answers a stream of frames that replaces one database. The database is claimed until the stream ends.
func (a *Agent) restore(w http.ResponseWriter, r *http.Request) {
	x := &restoring{frames: newFrames(w, r), agent: a, ctx: r.Context()}
	stop := x.beat()
	defer stop()
	err := site.Caught(x.run)
	if err = errors.Join(err, x.end()); err != nil {
		_ = x.WriteJSON(pull.Failed, pull.FailureOf(err)) // a lost connection shows at the other end
	}
}

// restoring is one restore. The puller's silence is no reason to end it: it may take long to fetch the image.
type restoring struct {
	*frames
	ctx     context.Context // of the request
	agent   *Agent
	request pull.RestoreRequest
	at      *site.Site // nil before the beginning
	claim   *scratch.Claim
	stage   pull.StageRequest
	staged  *site.Staged // nil before
	file    *os.File     // of staged

	hashed   bool       // the target's hashes were sent
	compared bool       // and answered by the pages that differ
	ranges   [][2]int64 // of these pages
}

// run answers frames until the puller ends the stream, or the target is replaced.
func (x *restoring) run() error {
	kind, content, err := x.next(x.agent.o.Patience)
	if err != nil {
		return err
	}
	if kind != pull.Begin || json.Unmarshal(content, &x.request) != nil {
		return fmt.Errorf("%w: a restore begins first", pull.ErrRequest)
	}
	if err := x.begin(); err != nil {
		return err
	}
	if err := x.WriteJSON(pull.Ready, pull.TargetAnswer{}); err != nil {
		return err
	}
	for {
		kind, content, err := x.next(0)
		if err == io.EOF || x.ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if kind == pull.Replace {
			return x.replace()
		}
		if err := x.answer(kind, content); err != nil {
			return err
		}
	}
}

// begin claims the target, and removes what restores have left beside it that were killed.
func (x *restoring) begin() (err error) {
	if x.at, err = x.agent.writable(x.request.Database); err != nil {
		return err
	}
	return x.at.At(func(path string) (err error) {
		if x.claim, err = scratch.Take(path); err == nil {
			_, _ = scratch.Sweep(filepath.Dir(path), x.agent.o.Now(), 0) // what cannot be removed hinders no restore
		}
		return err
	})
}

// end removes what was sent, and lets go of the target.
func (x *restoring) end() error {
	var errs []error
	if x.file != nil {
		errs = append(errs, x.file.Close())
	}
	if x.staged != nil {
		errs = append(errs, x.staged.Remove())
	}
	if x.claim != nil {
		errs = append(errs, x.at.Do(x.claim.Release))
	}
	return errors.Join(append(errs, x.at.Close())...)
}

// answer answers one frame.
func (x *restoring) answer(kind pull.Kind, content []byte) error {
	switch {
	case kind == pull.Stage && x.staged == nil:
		return x.prepare(content)
	case kind == pull.Hash && x.staged != nil:
		return x.hash(content)
	case (kind == pull.Wanted || kind == pull.Pages) && x.staged != nil:
		return x.receive(kind, content)
	}
	return fmt.Errorf("%w: a frame %q", pull.ErrRequest, rune(kind))
}

// prepare makes a private file beside the target, with the length and the first page of the image.
func (x *restoring) prepare(content []byte) error {
	q := &x.stage
	if err := json.Unmarshal(content, q); err != nil {
		return fmt.Errorf("%w: %w", pull.ErrRequest, err)
	}
	size := q.PageCount * int64(q.PageSize)
	if q.PageSize < 512 || q.PageSize > 65536 || q.PageSize&(q.PageSize-1) != 0 || q.PageCount < 1 || q.PageCount > 1<<32 ||
		q.KeepAs != "" && !keptName(q.KeepAs) {
		return fmt.Errorf("%w: the image", pull.ErrRequest)
	}
	kind, first, err := x.next(x.agent.o.Patience)
	if err != nil {
		return err
	}
	if kind != pull.Data || len(first) != q.PageSize {
		return fmt.Errorf("%w: the first page", pull.ErrRequest)
	}
	need := size
	if !q.New && q.KeepAs == "" {
		need = 0 // how much differs is not known yet
	}
	x.staged, err = site.Stage(x.at, need, func(f *os.File) error {
		_, err := f.WriteAt(first, 0)
		return errors.Join(err, f.Truncate(size))
	})
	if err != nil {
		return err
	}
	if x.file, err = x.staged.Open(); err != nil {
		return err
	}
	return x.Write(pull.Staged, nil)
}

// keptName reports whether the end of a name is one of those under which firn keeps what it replaces. Another end could make
// the file one that other programs look for.
func keptName(end string) bool {
	stamp, ok := strings.CutPrefix(end, ".before-restore-")
	return ok && len(stamp) < 32 && strings.Trim(stamp, "0123456789TZ") == ""
}

// receive takes in ranges, and the pages in them.
func (x *restoring) receive(kind pull.Kind, content []byte) error {
	size := int64(x.stage.PageSize)
	r := pull.NewRangeReader(size, size*x.stage.PageCount)
	for {
		if err := r.Add(content); err != nil {
			return err
		}
		if kind == pull.Pages {
			break
		}
		var err error
		if kind, content, err = x.next(x.agent.o.Patience); err != nil {
			return err
		}
		if kind != pull.Wanted && kind != pull.Pages {
			return fmt.Errorf("%w: a frame %q", pull.ErrRequest, rune(kind))
		}
	}
	for _, span := range r.Ranges() {
		if err := x.receivePages(span[0], span[1]); err != nil {
			return err
		}
	}
	x.ranges, x.compared = r.Ranges(), x.hashed
	return nil
}

// receivePages writes the pages of one range into the private file.
func (x *restoring) receivePages(at, end int64) error {
	for at < end {
		kind, content, err := x.next(x.agent.o.Patience)
		if err != nil {
			return err
		}
		if kind != pull.Data || len(content) == 0 || int64(len(content)) > end-at {
			return fmt.Errorf("%w: a frame %q", pull.ErrRequest, rune(kind))
		}
		if _, err := x.file.WriteAt(content, at); err != nil {
			return err
		}
		at += int64(len(content))
	}
	return nil
}

// hash sends the hashes of the target's pages, if they are as long as the image's.
func (x *restoring) hash(key []byte) error {
	x.hashed, x.compared = false, false
	e := &exchange{frames: x.frames, agent: x.agent}
	source := x.agent.source(x.at.Path(), pull.OpenRequest{Timeout: x.request.Timeout, HoldWriters: true})
	opened, err := source(x.ctx)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, sqlite.ErrEmpty) {
		return x.Write(pull.Unknown, nil)
	}
	if err != nil {
		return err
	}
	image, ok := opened.(site.Image)
	if !ok || image.Describe().PageSize != x.stage.PageSize {
		return errors.Join(x.Write(pull.Unknown, nil), opened.Close())
	}
	e.opened = image
	err = errors.Join(e.hashBy(key, e.pass), image.Close())
	x.hashed = err == nil
	return err
}

// replace makes the target equal to the image.
func (x *restoring) replace() error {
	if x.staged == nil {
		return fmt.Errorf("%w: there is no image", pull.ErrRequest)
	}
	keep := x.stage.KeepAs
	access := x.inherited()
	opts := sqlite.RestoreOptions{
		BusyTimeout: min(max(x.request.Timeout, 0), mostTimeout), Offline: x.stage.Offline, New: x.stage.New, Name: x.at.Path(),
		Mode: access.mode(), Partial: site.OutsidePartial{Partial: (*arriving)(x), Site: x.at},
		Locked: func() error { return x.at.Outside(x.locked) },
	}
	var result *sqlite.RestoreResult
	err := x.at.At(func(path string) (err error) {
		if keep != "" {
			opts.KeepAs = path + keep
		}
		access.give(x.staged)
		result, err = sqlite.Restore(x.ctx, path, x.staged.Path, opts)
		return err
	})
	if err != nil {
		return err
	}
	answer := pull.RestoreAnswer{Method: result.Method, PagesWritten: result.PagesWritten, PageCount: result.PageCount, Warning: access.warning}
	if keep != "" {
		answer.Kept = filepath.Base(x.at.Path()) + keep
	}
	return x.WriteJSON(pull.Done, answer)
}

// lockedTime is how long a puller may take to save what is replaced. The application cannot commit meanwhile. A puller that is gone
// ends the connection much sooner.
const lockedTime = 30 * time.Minute

// locked has the puller save what is replaced, while nothing else can be written.
func (x *restoring) locked() error {
	source := x.agent.source(x.at.Path(), pull.OpenRequest{Timeout: x.request.Timeout})
	image, err := source(x.ctx)
	if errors.Is(err, sqlite.ErrEmpty) {
		return nil // nothing is replaced
	}
	if err != nil {
		return err
	}
	description := pull.Described{Image: image.Describe()}
	if err := errors.Join(image.Close(), x.WriteJSON(pull.Locked, description)); err != nil {
		return err
	}
	for {
		kind, content, err := x.next(lockedTime)
		switch {
		case err != nil:
			return err
		case kind == pull.Go:
			return nil
		}
		if err := x.answer(kind, content); err != nil {
			return err
		}
	}
}

// arriving is the image as it arrives.
type arriving restoring

// Differing returns the ranges that the last comparison has found. Their pages are in the file. A target that was not compared,
// such as an empty file, differs everywhere.
func (x *arriving) Differing(ctx context.Context, _ io.Reader, file io.WriterAt) ([][2]int64, error) {
	if x.compared {
		return x.ranges, nil
	}
	if err := x.Complete(ctx, file); err != nil {
		return nil, err
	}
	return [][2]int64{{0, x.size()}}, nil
}

// size returns the size of the image in bytes.
func (x *arriving) size() int64 { return int64(x.stage.PageSize) * x.stage.PageCount }

// Complete asks for all pages.
func (x *arriving) Complete(context.Context, io.WriterAt) error {
	if err := site.NeedSpace(filepath.Dir(x.at.Path()), x.size()); err != nil {
		return err
	}
	if err := x.Write(pull.All, nil); err != nil {
		return err
	}
	kind, content, err := x.next(x.agent.o.Patience)
	if err != nil {
		return err
	}
	if kind != pull.Wanted && kind != pull.Pages {
		return fmt.Errorf("%w: a frame %q", pull.ErrRequest, rune(kind))
	}
	if err := (*restoring)(x).receive(kind, content); err != nil {
		return err
	}
	if whole := [][2]int64{{0, x.size()}}; !slices.Equal(x.ranges, whole) {
		return fmt.Errorf("%w: not all pages of the image", pull.ErrRequest)
	}
	return nil
}
