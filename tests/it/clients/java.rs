//! Java's own HttpClient.

use std::fs;

use narrows_tests::origin::PAGE;
use narrows_tests::program;

use super::bed::Bed;
use super::each_way;

each_way! { http_client: [] as [&str; 0]; }

/// One HTTPS page (by HTTP/2) and one HTTP page, printed one after the other.
const FETCH: &str = r#"
import java.io.FileInputStream;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class Fetch {
    public static void main(String[] arguments) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (FileInputStream file = new FileInputStream(arguments[1])) {
            trusted.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        InetSocketAddress proxy = new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0]));
        HttpClient client = HttpClient.newBuilder().sslContext(context).proxy(ProxySelector.of(proxy)).build();
        for (int at = 2; at < arguments.length; at++) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(arguments[at])).build();
            System.out.print(client.send(request, BodyHandlers.ofString()).body());
        }
    }
}
"#;

fn http_client(bed: &Bed) {
    if program::find("java").is_none() {
        return program::unable("java is not installed");
    }
    fs::write(bed.home.path().join("Fetch.java"), FETCH).unwrap();
    let mut java = bed.command("java");
    // One look at a page is not worth a compiler's and a collector's threads.
    java.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "Fetch.java"]);
    java.arg(bed.proxy.address.port().to_string())
        .arg(&bed.origin.tls.ca_file);
    let pages = program::run(java.args([bed.https("/"), bed.http("/")]));
    assert_eq!(pages, format!("{PAGE}{PAGE}"));
    bed.asked_for_both();
}
