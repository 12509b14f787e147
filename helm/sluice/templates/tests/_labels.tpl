{{/* The pod of `helm test`; not among the gateway's selector labels. */}}
{{- define "sluice.testLabels" -}}
app.kubernetes.io/name: {{ include "sluice.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end }}
