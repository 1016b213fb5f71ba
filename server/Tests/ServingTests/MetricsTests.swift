import Testing

@testable import Serving

/// The text for Prometheus.
@Suite struct MetricsTests {
  @Test func textOfEachKind() {
    let registry = Registry()
    let count = registry.counter("a_total", "Things.", labels: ["model", "code"])
    let level = registry.gauge("b", "A level.")
    let times = registry.histogram("c_seconds", "Times.", labels: ["model"], bounds: [0.5, 1])
    registry.add(to: count, "y", "200")
    registry.add(2.5, to: count, "x\"\\\n", "200")
    registry.add(to: count, "y", "200")
    registry.set(level, to: 0.125)
    for value in [0.5, 0.75, 7] { registry.observe(value, in: times, "m") }
    #expect(
      registry.text == #"""
        # HELP a_total Things.
        # TYPE a_total counter
        a_total{model="x\"\\\n",code="200"} 2.5
        a_total{model="y",code="200"} 2
        # HELP b A level.
        # TYPE b gauge
        b 0.125
        # HELP c_seconds Times.
        # TYPE c_seconds histogram
        c_seconds_bucket{model="m",le="0.5"} 1
        c_seconds_bucket{model="m",le="1"} 2
        c_seconds_bucket{model="m",le="+Inf"} 3
        c_seconds_sum{model="m"} 8.25
        c_seconds_count{model="m"} 3

        """#)
  }
}
