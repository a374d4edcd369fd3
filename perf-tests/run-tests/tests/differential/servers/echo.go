// Responds with the parts of the request, decoded.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	handler := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		headers := [][]string{r.Header["X-Case"], r.Header["Authorization"], r.Header["Content-Type"], r.Header["X-Version"]}
		fmt.Fprintf(w, "%s %s %v %v %s", r.Method, r.URL.Path, r.URL.Query(), headers, body)
	}
	if err := http.ListenAndServe("127.0.0.1:"+os.Args[1], http.HandlerFunc(handler)); err != nil {
		panic(err)
	}
}
