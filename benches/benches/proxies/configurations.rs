//! The peers' configurations: everything that costs and is not asked for is off, their logs too.

use std::fmt::Write as _;

/// Squid, without cache and logs.
pub(crate) fn squid(port: u16, descriptors: usize) -> String {
    format!(
        "http_port 127.0.0.1:{port}\n\
         http_access allow all\n\
         cache deny all\n\
         access_log none\n\
         cache_log /dev/null\n\
         cache_store_log none\n\
         pid_filename none\n\
         pinger_enable off\n\
         via off\n\
         forwarded_for delete\n\
         client_db off\n\
         max_filedescriptors {descriptors}\n\
         shutdown_lifetime 1 second\n"
    )
}

/// HAProxy on one thread. It cannot end a CONNECT; it passes it on to the target that it names.
pub(crate) fn haproxy(port: u16, descriptors: usize, splice: bool) -> String {
    let most = descriptors.saturating_sub(600) / 2;
    let mut text = format!("global\n  nbthread 1\n  maxconn {most}\n");
    if splice {
        text.push_str("  maxpipes 200\n");
    }
    text.push_str(
        "defaults\n  mode http\n  timeout connect 5s\n  timeout client 10m\n  timeout server 10m\n  \
         timeout tunnel 1h\n  http-reuse never\n",
    );
    if splice {
        text.push_str("  option splice-request\n  option splice-response\n");
    }
    let _ = write!(
        text,
        "frontend in\n  bind 127.0.0.1:{port}\n  \
         http-request set-dst req.hdr_ip(host)\n  \
         http-request set-dst-port req.hdr(host),port_only\n  \
         default_backend out\nbackend out\n  server target 0.0.0.0:0\n"
    );
    text
}

/// tinyproxy, which has a thread for each connection.
pub(crate) fn tinyproxy(port: u16) -> String {
    format!(
        "Port {port}\nListen 127.0.0.1\nTimeout 600\nMaxClients 20000\nLogLevel Critical\n\
         DisableViaHeader Yes\n"
    )
}

/// Envoy as a forward proxy, by its dynamic forward proxy's cluster.
pub(crate) fn envoy(port: u16) -> String {
    ENVOY.replace("PORT", &port.to_string())
}

const ENVOY: &str = r#"static_resources:
  listeners:
  - name: in
    address: { socket_address: { address: 127.0.0.1, port_value: PORT } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          codec_type: HTTP1
          stream_idle_timeout: 0s
          upgrade_configs: [ { upgrade_type: CONNECT } ]
          route_config:
            virtual_hosts:
            - name: all
              domains: [ "*" ]
              routes:
              - match: { connect_matcher: {} }
                route: { cluster: out, timeout: 0s, upgrade_configs: [ { upgrade_type: CONNECT, connect_config: {} } ] }
          http_filters:
          - name: envoy.filters.http.dynamic_forward_proxy
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig
              dns_cache_config: &names { name: names, dns_lookup_family: V4_ONLY, max_hosts: 4096 }
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: out
    connect_timeout: 5s
    lb_policy: CLUSTER_PROVIDED
    circuit_breakers: { thresholds: [ { max_connections: 100000, max_pending_requests: 100000, max_requests: 100000 } ] }
    cluster_type:
      name: envoy.clusters.dynamic_forward_proxy
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig
        dns_cache_config: *names
"#;
