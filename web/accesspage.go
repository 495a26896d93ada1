package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"firn/access"
	"firn/outcome"
	"firn/repo"
	"firn/web/gate"
	"firn/web/work"
)

// accessData is the page of who may ask for what.
type accessData struct {
	New     string // a token that was just made, which is shown once
	Problem *Problem
	Form    tokenForm
	Scopes  []scopeChoice
	Tokens  []access.Grant
	People  []person
	Keys    []repo.Key
}

// tokenForm is what a person wants of a new token.
type tokenForm struct{ Name, Environment, Expires string }

// newForm returns the form before a person has filled it.
func newForm() tokenForm { return tokenForm{Environment: "*", Expires: "90d"} }

// scopeChoice is a scope in the form.
type scopeChoice struct {
	access.Scope
	Checked bool
}

// person is a browser that has signed in.
type person struct {
	*gate.Person
	Own bool // it is the one that asks
}

// mayGrant reports whether the client may let others in, for everything.
func (c *call) mayGrant() bool { return c.grant.Allows(access.Admin) && c.grant.Everything() }

// checkGrants refuses a client that may not let others in. A token for some environments must not make one for all.
func (c *call) checkGrants() error {
	if c.mayGrant() {
		return nil
	}
	return refuse(http.StatusForbidden, "", "tokens and sign-ins are for those that may see all environments, and %q may see %q", c.grant.Name, c.grant.Environment)
}

// accessPage shows the tokens, the browsers that have signed in, and the keys.
func (c *call) accessPage() error {
	if err := c.checkGrants(); err != nil {
		return err
	}
	return c.showAccess(http.StatusOK, accessData{Form: newForm()})
}

// showAccess fills the page and shows it.
func (c *call) showAccess(status int, d accessData) (err error) {
	if d.Scopes == nil {
		d.Scopes = scopeChoices([]string{string(access.Read)})
	}
	if d.Tokens, err = c.v.o.Tokens.List(); err != nil {
		return err
	}
	own := c.v.people.Find(c.cookie())
	for _, who := range c.v.people.List() {
		d.People = append(d.People, person{who, who == own})
	}
	if d.Keys, err = c.v.s.Repo.Keys(c.r.Context()); err != nil {
		return err
	}
	return c.showAs(status, "access", "Access", d, crumb{"Access", "/access"})
}

// scopeChoices returns the scopes of the form.
func scopeChoices(checked []string) (choices []scopeChoice) {
	for _, s := range access.Scopes() {
		choices = append(choices, scopeChoice{s, slices.Contains(checked, string(s))})
	}
	return choices
}

// addToken makes a token. The answer shows it, and no redirection: the token would be in its URL, or in the server's memory.
func (c *call) addToken() error {
	if err := c.readOrder(); err != nil {
		return err
	}
	form := c.r.PostForm
	d := accessData{Form: tokenForm{form.Get("name"), form.Get("environment"), form.Get("expires")}, Scopes: scopeChoices(form["scope"])}
	token, err := c.makeToken(d.Form, form["scope"])
	if err != nil {
		p := newProblem(err)
		d.Problem = &p
		return c.showAccess(p.Status, d)
	}
	return c.showAccess(http.StatusOK, accessData{New: token.Reveal(), Form: newForm()})
}

// readOrder reads the form of a client that may let others in.
func (c *call) readOrder() error {
	if err := c.checkGrants(); err != nil {
		return err
	}
	return c.readForm()
}

// makeToken stores a new token. It ends no later than the one that makes it: a stolen token must not prolong itself.
func (c *call) makeToken(f tokenForm, scopes []string) (token access.Token, err error) {
	g, err := access.NewGrant(f.Name, scopes, f.Environment, f.Expires, c.v.s.Now())
	if err != nil {
		return "", err
	}
	if g.Outlives(c.grant) {
		return "", badRequest("the token would be good for longer than %q, which ends %s", c.grant.Name, c.grant.Expires.Format(time.RFC3339))
	}
	err = c.logged(access.Event{What: "token add", Token: g.Name}, func(ctx context.Context) (err error) {
		token, err = c.v.o.Tokens.Add(ctx, g)
		return err
	})
	return token, err
}

// logged logs that a change of access begins, makes it, and logs how it has ended. It takes no time, so it is no job of the board,
// and it is made even if the client has gone away.
func (c *call) logged(e access.Event, change func(context.Context) error) error {
	e.ID, e.Time, e.Who, e.From = work.NewID(), c.v.s.Now().UTC(), c.grant.Name, c.v.gate.Address(c.r)
	if err := c.v.o.Log.Begin(e); err != nil {
		return err
	}
	err := change(context.WithoutCancel(c.r.Context()))
	e.Time = c.v.s.Now().UTC()
	if err != nil {
		e.Error = err.Error()
		e.Code, _ = outcome.Classify(err)
	}
	return errors.Join(err, c.v.o.Log.End(e))
}

// removeToken makes a token useless, for browsers that have signed in with it, too.
func (c *call) removeToken() error {
	if err := c.readOrder(); err != nil {
		return err
	}
	name := c.r.PostForm.Get("name")
	err := c.logged(access.Event{What: "token remove", Token: name}, func(ctx context.Context) error { return c.v.o.Tokens.Remove(ctx, name) })
	return c.backToAccess(err)
}

// signOutOther ends the sign-in of a browser.
func (c *call) signOutOther() error {
	if err := c.readOrder(); err != nil {
		return err
	}
	id := c.r.PostForm.Get("id")
	who := c.v.people.FindID(id)
	if who == nil {
		return refuse(http.StatusNotFound, "It may have ended by itself.", "there is no such sign-in")
	}
	return c.backToAccess(c.logged(access.Event{What: "sign out", Token: who.Grant.Name}, func(context.Context) error {
		c.v.people.RemoveID(id)
		return nil
	}))
}

// backToAccess leads to the page again after a change.
func (c *call) backToAccess(err error) error {
	if err != nil {
		return err
	}
	http.Redirect(c.w, c.r, "/access", http.StatusSeeOther)
	return nil
}
