package inspect

import "firn/sqlite/internal/capi"

// Question is a query that is asked many times. It is closed before its inspection.
type Question struct {
	stmt *capi.Stmt
}

// ask prepares a query.
func (i *Inspection) ask(sql string) (*Question, error) {
	s, err := i.conn.Prepare(sql)
	if err != nil {
		return nil, err
	}
	return &Question{s}, nil
}

// Row returns the values of the first row for some parameters, nil if there is none. Parameters and values are nil, int64,
// float64, string or []byte.
func (q *Question) Row(parameters []any) (values []any, err error) {
	defer q.stmt.Reset()
	for n, p := range parameters {
		if err := q.stmt.Bind(int32(n+1), p); err != nil {
			return nil, err
		}
	}
	more, err := q.stmt.Step()
	if err != nil || !more {
		return nil, err
	}
	values = make([]any, q.stmt.Width())
	for n := range values {
		values[n] = q.stmt.Value(int32(n))
	}
	return values, nil
}

// Close frees the query. A nil question needs none.
func (q *Question) Close() {
	if q != nil {
		q.stmt.Finalize()
	}
}
