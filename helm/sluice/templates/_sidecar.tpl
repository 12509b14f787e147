{{/*
For charts that run Sluice in their own pods. They have this chart as a dependency with `mode: sidecar` and hand over its context:

  metadata:
    labels: {{- include "sluice.sidecar.labels" .Subcharts.sluice | nindent 8 }}
    annotations: {{- include "sluice.sidecar.annotations" .Subcharts.sluice | nindent 8 }}
  spec:
    terminationGracePeriodSeconds: {{ include "sluice.sidecar.graceSeconds" .Subcharts.sluice }}
    containers:
      - {{ include "sluice.sidecar.container" .Subcharts.sluice | nindent 10 | trim }}
    volumes: {{- include "sluice.sidecar.volumes" .Subcharts.sluice | nindent 8 }}

The Service's `targetPort` becomes `sluice`, the route's upstream `http://127.0.0.1:PORT`.
*/}}
{{- define "sluice.sidecar.container" -}}
{{- include "sluice.container" (dict "root" . "public" "sluice" "admin" "sluice-admin") }}
{{- end }}

{{- define "sluice.sidecar.volumes" -}}
{{- include "sluice.volumes" . }}
{{- end }}

{{/* By this label the PodMonitor finds the pods. */}}
{{- define "sluice.sidecar.labels" -}}
{{ include "sluice.fullname" . }}-sidecar: "true"
{{- end }}

{{- define "sluice.sidecar.annotations" -}}
{{- include "sluice.checksums" . }}
{{- end }}

{{- define "sluice.sidecar.graceSeconds" -}}
{{- include "sluice.graceSeconds" . }}
{{- end }}

{{/* For the neighbour's `preStop: {sleep: {seconds: …}}`: it stays until Sluice has said goodbye to all. */}}
{{- define "sluice.sidecar.drainSeconds" -}}
{{- include "sluice.drainSeconds" . }}
{{- end }}
