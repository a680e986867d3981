//! Go's `net/http`.

use std::fs;

use narrows_tests::origin::PAGE;
use narrows_tests::program;

use super::bed::Bed;
use super::each_way;

each_way! { net_http: [] as [&str; 0]; }

/// One HTTPS page and one HTTP page, printed one after the other.
const FETCH: &str = r#"
package main

import (
	"io"
	"net/http"
	"net/url"
	"os"
)

func main() {
	// Told by HTTPS_PROXY instead, it asks no proxy for what is on loopback.
	proxy, _ := url.Parse(os.Args[1])
	client := http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}}
	for _, page := range os.Args[2:] {
		answer, err := client.Get(page)
		if err != nil {
			panic(err)
		}
		io.Copy(os.Stdout, answer.Body)
		answer.Body.Close()
	}
}
"#;

fn net_http(bed: &Bed) {
    if program::find("go").is_none() {
        return program::unable("go is not installed");
    }
    fs::write(bed.home.path().join("fetch.go"), FETCH).unwrap();
    let mut go = bed.command("go");
    go.env("GOFLAGS", "-mod=mod").env("GOTOOLCHAIN", "local");
    go.env("SSL_CERT_FILE", &bed.origin.tls.ca_file);
    go.args(["run", "fetch.go", &bed.proxy.url()]);
    let pages = program::run(go.args([bed.https("/"), bed.http("/")]));
    assert_eq!(pages, format!("{PAGE}{PAGE}"));
    bed.asked_for_both();
}
