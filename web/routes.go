package web

import (
	"context"
	"net/http"
	"strings"

	"firn/access"
	"firn/outcome"
	"firn/web/gate"
)

// route is a way to ask something: the one table of what is served, from which the multiplexer and the description of the API are
// made.
type route struct {
	method, pattern string
	scopes          []access.Scope // one of which is needed; nil: it is open to all
	summary         string         // of the description; "" for pages
	answer          string         // the type of the answer
	handle          func(*call) error
}

// routes returns all routes.
func (v *Server) routes() []route {
	status, read, stream := []access.Scope{access.Status}, []access.Scope{access.Read}, []access.Scope{access.Stream}
	file, restore, admin := []access.Scope{access.Read, access.Stream}, []access.Scope{access.Restore}, []access.Scope{access.Admin}
	const json, get, post = "application/json", http.MethodGet, http.MethodPost
	return []route{
		{get, "/healthz", nil, "Whether the server is alive", "text/plain", (*call).health},
		{get, "/metrics", status, "The state of all databases, for Prometheus", "text/plain", (*call).metrics},
		{get, "/api/v1/openapi.json", status, "This description", json, (*call).describe},
		{get, "/api/v1/status", status, "The state of all databases and of the repository, as firn status --json", json, (*call).status},
		{get, "/api/v1/databases", status, "The state of all databases", json, (*call).databases},
		{get, "/api/v1/databases/{env}", status, "The state of the databases of an environment", json, (*call).database},
		{get, "/api/v1/databases/{env}/snapshots", status, "The snapshots of an environment, the newest first", json, (*call).snapshotsOf},
		{get, "/api/v1/databases/{env}/live", stream, "A fresh consistent copy of the live database", octets, (*call).live},
		{post, "/api/v1/databases/{env}/backup", admin, "Take a snapshot, as firn backup --json", json, (*call).backup},
		{post, "/api/v1/databases/{env}/restore", restore, "Plan a restore; with the plan's fingerprint, run it", json, (*call).restore},
		{get, "/api/v1/databases/{env}/history", read, "What happened to a row or a table, as firn history --json: table, key, by, since, until, name", json, (*call).history},
		{post, "/api/v1/databases/{env}/find", read, "The first snapshot where a condition in SQL is true, as firn find --json", json, (*call).findFirst},
		{post, "/api/v1/databases/{env}/rows/restore", restore, "Plan a restore of rows; with the plan's fingerprint, run it", json, (*call).restoreRows},
		{get, "/api/v1/snapshots", status, "All snapshots, the newest first, as firn snapshots --json", json, (*call).snapshots},
		{get, "/api/v1/snapshots/{ref}", status, "A snapshot", json, (*call).oneSnapshot},
		{get, "/api/v1/snapshots/{ref}/rows", read, "Rows of a table: table, after, limit, from, columns, sort, desc, search, column, op, value", json, (*call).rows},
		{post, "/api/v1/snapshots/{ref}/query", read, "The rows of one SQL statement that reads, as firn query --json", json, (*call).ask},
		{get, "/api/v1/snapshots/{ref}/diff/{other}", read, "What differs in another snapshot, as firn diff --json", json, (*call).diff},
		{get, "/api/v1/snapshots/{ref}/file", file, "The database as a file: format is db, zst or sql", octets, (*call).file},
		{post, "/api/v1/snapshots/{ref}/verify", admin, "Verify a snapshot, as firn verify --json", json, (*call).verify},
		{post, "/api/v1/snapshots/{ref}/pin", admin, "Keep retention from removing a snapshot, or leave it to retention again", json, (*call).pin},
		{get, "/api/v1/work", status, "What runs, and what has run lately", json, (*call).workList},
		{get, "/api/v1/work/{id}", status, "A job with its progress, its messages and its result", json, (*call).workOf},

		{get, "/static/{file}", nil, "", "", (*call).static},
		{get, "/sign-in", nil, "", "", (*call).signInPage},
		{post, "/sign-in", nil, "", "", (*call).signIn},
		{post, "/sign-out", nil, "", "", (*call).signOut},
		{get, "/{$}", status, "", "", (*call).homePage},
		{get, "/databases/{env}", status, "", "", (*call).databasePage},
		{get, "/databases/{env}/row", read, "", "", (*call).rowPage},
		{get, "/databases/{env}/history", read, "", "", (*call).historyPage},
		{post, "/databases/{env}/rows/plan", restore, "", "", (*call).rowPlanPage},
		{post, "/databases/{env}/rows/restore", restore, "", "", (*call).rowRestorePage},
		{get, "/snapshots/{ref}", status, "", "", (*call).snapshotPage},
		{get, "/snapshots/{ref}/table", read, "", "", (*call).tablePage},
		{get, "/snapshots/{ref}/row", read, "", "", (*call).rowLink},
		{get, "/snapshots/{ref}/value", read, "", "", (*call).value},
		{get, "/snapshots/{ref}/schema", read, "", "", (*call).schemaPage},
		{post, "/snapshots/{ref}/query", read, "", "", (*call).queryPage},
		{get, "/snapshots/{ref}/file", file, "", "", (*call).file},
		{get, "/diff", read, "", "", (*call).diffPage},
		{get, "/repository", status, "", "", (*call).repositoryPage},
		{post, "/repository/check", admin, "", "", (*call).checkForm},
		{post, "/repository/prune", admin, "", "", (*call).pruneForm},
		{get, "/log", admin, "", "", (*call).logPage},
		{get, "/work", status, "", "", (*call).workPage},
		{get, "/work/{id}", status, "", "", (*call).jobPage},
		{post, "/databases/{env}/backup", admin, "", "", (*call).backupForm},
		{get, "/databases/{env}/undo", restore, "", "", (*call).restorePage},
		{post, "/databases/{env}/undo", restore, "", "", (*call).restoreForm},
		{get, "/snapshots/{ref}/restore", restore, "", "", (*call).restorePage},
		{post, "/snapshots/{ref}/restore", restore, "", "", (*call).restoreForm},
		{post, "/snapshots/{ref}/verify", admin, "", "", (*call).verifyForm},
		{post, "/snapshots/{ref}/pin", admin, "", "", (*call).pinForm},
		{post, "/snapshots/{ref}/tag", admin, "", "", (*call).tagForm},
		{get, "/access", admin, "", "", (*call).accessPage},
		{post, "/access/token", admin, "", "", (*call).addToken},
		{post, "/access/token/remove", admin, "", "", (*call).removeToken},
		{post, "/access/sign-out", admin, "", "", (*call).signOutOther},
	}
}

// mux returns the handler of all routes.
func (v *Server) mux() http.Handler {
	mux := http.NewServeMux()
	for _, r := range v.routes() {
		mux.HandleFunc(r.method+" "+r.pattern, func(w http.ResponseWriter, req *http.Request) { v.serve(r, w, req) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" {
			v.serve(route{handle: func(c *call) error { return c.unknown(mux) }}, w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// unknown is the answer for a path or a method that is not served.
func (c *call) unknown(mux *http.ServeMux) error {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		other := c.r.Clone(c.r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "" {
			c.w.Header().Set("Allow", method)
			return refuse(http.StatusMethodNotAllowed, "", "%s is served for %s, not for %s", c.r.URL.Path, method, c.r.Method)
		}
	}
	return refuse(http.StatusNotFound, "", "nothing is served at %s", c.r.URL.Path)
}

// bounded reports whether an answer is made before it is sent, and so must not take long: a slow store must not hold up all clients.
// Files take as long as they are large, and changes as long as they run.
func (r route) bounded() bool {
	return r.method == http.MethodGet && r.answer != octets && !strings.HasSuffix(r.pattern, "/file")
}

// serve answers a request by a route.
func (v *Server) serve(r route, w http.ResponseWriter, req *http.Request) {
	if r.bounded() {
		ctx, cancel := context.WithTimeout(req.Context(), v.o.Limits.PageTime)
		defer cancel()
		req = req.WithContext(ctx)
	}
	c := &call{w: w.(*gate.Pacer), r: req, v: v, api: isAPI(req), query: req.URL.Query()}
	if err := c.admit(r); err != nil {
		c.fail(err)
		return
	}
	if c.w.Begun { // a page has led to the sign-in
		return
	}
	if err := r.handle(c); err != nil {
		c.fail(err)
	}
}

// admit lets a client in that has one of the route's scopes.
func (c *call) admit(r route) error {
	if r.scopes == nil {
		return nil
	}
	if err := c.authenticate(); err != nil {
		if !c.api && statusOf(err) == http.StatusUnauthorized {
			http.Redirect(c.w, c.r, "/sign-in", http.StatusSeeOther)
			return nil
		}
		return err
	}
	if !c.grant.Allows(r.scopes...) {
		return &refusal{status: http.StatusForbidden, err: outcome.Failed("", "this needs the scope %s, and %q has: %s",
			access.JoinScopes(r.scopes), c.grant.Name, access.JoinScopes(c.grant.Scopes))}
	}
	return nil
}
