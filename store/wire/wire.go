// Package wire carries the calls of a [store.Store] over HTTP. [NewHandler] offers a store, and [New] makes a store of a
// connection to such a handler. Neither knows how the requests travel.
//
//	PUT  /object/NAME               with Content-Length and Firn-Sha256
//	GET  /object/NAME?off=N&len=N   the answer has Content-Length and Firn-Sha256
//	GET  /list?prefix=P             lines "NAME SIZE NANOSECONDS", then "end COUNT" or "problem JSON"
//	POST /delete                    names in lines
//	POST /clean?before=NANOSECONDS  the answer is a number
//	POST /create                    makes the folder of the store
//	GET  /space                     the answer is JSON
//
// Each request may name a place in Firn-Place, as a path in which characters are escaped as in a URL. An answer other than 2xx
// has a JSON body {"code", "message"}. The request to put an object again, after an answer that was lost, has Firn-Again: it
// succeeds if the object that is there has the same bytes.
package wire

import (
	"crypto/sha256"
	"encoding/hex"
)

// Protocol is the version of the requests and answers.
const Protocol = 1

// Headers of requests and answers.
const (
	headerSum   = "Firn-Sha256"
	headerAgain = "Firn-Again"
	// HeaderPlace names the place that the client wants.
	HeaderPlace = "Firn-Place"
)

const (
	pathObject = "/object/"
	pathList   = "/list"
	pathDelete = "/delete"
	pathClean  = "/clean"
	// PathCreate is the path of the request that makes the store's folder.
	PathCreate = "/create"
	pathSpace  = "/space"
)

// Bounds of requests and answers.
const (
	mostNames    = 1000    // in a deletion
	mostNameList = 1 << 20 // bytes of a deletion
	mostLine     = 4 << 10 // bytes of a line of a listing
	mostListed   = 1 << 22 // objects of a listing
)

// sumOf returns the checksum of bytes as it stands in a header.
func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
