package web

import (
	"fmt"
	"net/http"
	"strings"

	"firn/access"
	"firn/web/gate"
)

// cookieName has the prefix by which browsers take the cookie only with Secure, for this host and all its paths. Browsers treat
// localhost as secure without TLS.
const cookieName = "__Host-firn"

// cookie returns the value of the sign-in's cookie, "" for none.
func (c *call) cookie() string {
	cookie, err := c.r.Cookie(cookieName)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// setCookie sets the sign-in's cookie, or removes it with a negative age.
func (c *call) setCookie(value string, age int) {
	http.SetCookie(c.w, &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: age, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// signInPage shows the form. A script fills it from the fragment of a one-time link: browsers send no fragment, so that neither a
// log nor a proxy sees the secret.
func (c *call) signInPage() error { return c.show("signin", "Sign in", nil) }

// signIn takes the secret of a one-time link, or a token.
func (c *call) signIn() error {
	if err := c.readForm(); err != nil {
		return err
	}
	address := c.v.gate.Address(c.r)
	if !c.v.guesses.Allowed(address) {
		return refuse(http.StatusTooManyRequests, "Wait a moment.", "there were too many wrong tokens from %s", address)
	}
	secret := strings.TrimSpace(c.r.PostForm.Get("secret"))
	cookie, ok := c.v.people.UseLink(secret, address)
	if !ok {
		grant, err := c.v.o.Tokens.Find(c.r.Context(), secret)
		if err != nil {
			c.v.guesses.Failed(address)
			return fmt.Errorf("%w: a link is good once, for %v", access.ErrRefused, gate.LinkLife)
		}
		cookie = c.v.people.Add(&gate.Person{Token: secret, Grant: grant, From: address})
	}
	c.setCookie(cookie, int(gate.SignInLife.Seconds()))
	http.Redirect(c.w, c.r, "/", http.StatusSeeOther)
	return nil
}

// signOut ends the sign-in.
func (c *call) signOut() error {
	c.v.people.Remove(c.cookie())
	c.setCookie("", -1)
	http.Redirect(c.w, c.r, "/sign-in", http.StatusSeeOther)
	return nil
}
