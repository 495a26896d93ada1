package repo_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"firn/repo"
)

// TestPiece compares the pieces of images with their bytes: where two images have the same piece, they have the same bytes.
func TestPiece(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := pages(5, 400)
	images := [][]byte{first, touch(first, 6, 8), slices.Concat(pages(8, 3)[:5000], first), first[:150*4096]}
	var known []map[repo.Piece][]byte
	for _, image := range images {
		at, err := open(t, w.st).ImageAt(t.Context(), w.take(t, "production", image))
		if err != nil {
			t.Fatal(err)
		}
		known = append(known, piecesOf(t, at, image))
	}
	for i, a := range known {
		for j, b := range known {
			same := int64(0)
			for piece, content := range a {
				if other, ok := b[piece]; ok && !bytes.Equal(content, other) {
					t.Errorf("images %d and %d have the same piece up to %d, and other bytes", i, j, piece.End())
				} else if ok {
					same += int64(len(content))
				}
			}
			if i == j && same != int64(len(images[i])) || i+j == 1 && same < int64(len(first))/2 {
				t.Errorf("images %d and %d have %d bytes of pieces in common", i, j, same)
			}
		}
	}
}

// piecesOf returns the bytes of each piece of an image.
func piecesOf(t *testing.T, at *repo.RandomReader, image []byte) map[repo.Piece][]byte {
	t.Helper()
	pieces := make(map[repo.Piece][]byte)
	for from := int64(0); from < at.Size(); {
		p, err := at.Piece(from)
		if err != nil {
			t.Fatal(err)
		}
		if last, err := at.Piece(p.End() - 1); err != nil || last != p {
			t.Fatalf("the last byte before %d has another piece than the one at %d: %v", p.End(), from, err)
		}
		pieces[p], from = image[from:p.End()], p.End()
	}
	for _, beyond := range []int64{-1, at.Size()} {
		if _, err := at.Piece(beyond); !errors.Is(err, io.EOF) {
			t.Errorf("piece at %d: got %v, want %v", beyond, err, io.EOF)
		}
	}
	return pieces
}

// TestPieceDamaged asks for a piece when no pack is left.
func TestPieceDamaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := taken(t, w, pages(3, 500), 2)
	losePacks(t, w.st)
	at, err := open(t, w.st).ImageAt(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := at.Piece(0); !errors.As(err, new(*repo.CorruptError)) {
		t.Errorf("got %v, want a CorruptError", err)
	}
}
