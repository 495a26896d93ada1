package check

import "firn/sqlite/caseless"

// parseIndex reads the definition of an index of a table. It returns false if there is something in it that takes
// SQLite.
func parseIndex(t *table, name string, root uint32, sql string) (*index, bool) {
	x := &index{name: name, root: root, table: t}
	list, ok := tokens(sql, len(sql))
	p := &parser{sql: sql, list: list, ok: ok && t.known, t: t}
	p.want("CREATE")
	x.unique = p.take("UNIQUE")
	p.want("INDEX")
	p.ok = p.ok && caseless.Same(p.name(), name)
	p.want("ON")
	p.ok = p.ok && caseless.Same(p.name(), t.name)
	p.wantSign('(')
	for p.ok {
		x.columns = append(x.columns, p.indexColumn())
		if !p.takeSign(',') {
			break
		}
	}
	p.wantSign(')')
	if x.partial = p.ok && p.take("WHERE"); !x.partial {
		p.ok = p.ok && p.at == len(p.list)
	}
	if x.known = p.ok; !p.ok {
		return x, false
	}
	x.keys = len(x.columns)
	x.compute()
	x.extend(false)
	return x, true
}

// indexColumn reads a column of an index, which may be an expression.
func (p *parser) indexColumn() indexColumn {
	start := p.at
	if t := p.peek(); t.named() {
		after := token{}
		if p.at+1 < len(p.list) {
			after = p.list[p.at+1]
		}
		_, ok := p.t.column(t.text)
		if ok && (after.kind == ',' || after.kind == ')' || after.isAny("COLLATE", "ASC", "DESC")) {
			c := p.keyColumn()
			if k := p.peek().kind; k == ',' || k == ')' {
				return c
			}
		}
	}
	p.at = start
	return p.expression()
}

// expression passes over an expression. Its collation is known if it ends with one, or has none within.
func (p *parser) expression() indexColumn {
	c := indexColumn{column: -1, collation: "?"}
	for depth := 0; p.ok; p.at++ {
		t := p.peek()
		switch {
		case t.kind == 0:
			p.ok = false
		case t.kind == '(':
			depth++
		case t.kind == ')' && depth == 0, t.kind == ',' && depth == 0:
			return c
		case t.kind == ')':
			depth--
		}
	}
	return c
}
