# Varnish in front of two gateways: /etc/varnish/default.vcl. Tested with Varnish 7.1 of Debian 12.
#
# It keeps the tail of each edition. Readers that poll make at most one request per second and edition to the gateways.
# While no gateway answers, it serves the tail for `tail_stale_s` (a setting of the gateways) and then 503.
#
# Replace the addresses of the gateways (10.0.0.11, 10.0.0.12) and the name news.example. TLS is in front of it.

vcl 4.1;

import directors;
import std;

probe gateway {
    .url = "/healthz";
    .interval = 1s;
    .timeout = 1s;
    .window = 3;
    .threshold = 2;
    .initial = 2;
}

backend gateway1 {
    .host = "10.0.0.11";
    .port = "8080";
    .connect_timeout = 1s;
    .first_byte_timeout = 75s;
    .between_bytes_timeout = 75s;
    .probe = gateway;
}

backend gateway2 {
    .host = "10.0.0.12";
    .port = "8080";
    .connect_timeout = 1s;
    .first_byte_timeout = 75s;
    .between_bytes_timeout = 75s;
    .probe = gateway;
}

sub vcl_init {
    new gateways = directors.round_robin();
    gateways.add_backend(gateway1);
    gateways.add_backend(gateway2);
}

sub vcl_recv {
    set req.backend_hint = gateways.backend();
    unset req.http.Proxy;
    unset req.http.Forwarded;
    unset req.http.X-Tail;
    if (req.url ~ "^/(metrics|readyz|healthz)(\?|$)") {
        return (synth(404));
    }
    if (req.http.Upgrade ~ "(?i)websocket") {
        return (pipe);
    }
    if (req.url !~ "^/v1/[^/?]+/tail(\?|$)" || (req.method != "GET" && req.method != "HEAD")) {
        return (pass);
    }
    # A private edition needs a token, and each answer is checked by a gateway.
    if (req.http.Authorization) {
        return (pass);
    }
    # One copy per edition, whatever a request adds to its address.
    set req.http.X-Tail = "1";
    set req.url = regsub(req.url, "\?.*$", "");
    set req.http.Host = "news.example";
    unset req.http.Cookie;
    # `stale-while-revalidate`. Without a gateway, and after a failed request, the whole grace counts.
    if (req.restarts == 0 && std.healthy(req.backend_hint)) {
        set req.grace = 1s;
    }
    return (hash);
}

sub vcl_pipe {
    set bereq.http.Upgrade = req.http.Upgrade;
    set bereq.http.Connection = req.http.Connection;
}

sub vcl_backend_fetch {
    if (bereq.http.X-Tail) {
        unset bereq.http.X-Tail;
        set bereq.first_byte_timeout = 3s;
        set bereq.between_bytes_timeout = 3s;
    }
}

sub vcl_backend_response {
    if (bereq.url !~ "^/v1/[^/?]+/tail$") {
        # Event streams.
        set beresp.do_stream = true;
        set beresp.uncacheable = true;
        return (deliver);
    }
    if (beresp.status >= 500) {
        return (abandon);
    }
    if (beresp.status >= 400) {
        # Not the default of 120 s: a proxy in between can answer 404 for a moment.
        set beresp.ttl = 1s;
        set beresp.uncacheable = true;
        return (deliver);
    }
    # `stale-if-error`
    set beresp.grace = std.duration(regsub(beresp.http.Cache-Control, "^.*stale-if-error=(\d+).*$", "\1s"), 0s) + 1s;
}

sub vcl_backend_error {
    if (bereq.url ~ "^/v1/[^/?]+/tail$") {
        return (abandon);
    }
}

sub vcl_synth {
    if (resp.status == 503 && req.restarts == 0 && req.http.X-Tail) {
        return (restart);
    }
    if (resp.status == 503) {
        set resp.http.Retry-After = "5";
        set resp.http.Cache-Control = "no-store";
        set resp.http.Access-Control-Allow-Origin = "*";
    }
}
