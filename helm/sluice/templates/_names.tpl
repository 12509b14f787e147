{{/* Names, labels and annotations. */}}

{{- define "sluice.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "sluice.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- $name := include "sluice.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "sluice.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sluice.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end }}

{{/* Labels of every object. The component is left to those that have one, so that no selector finds a stranger. */}}
{{- define "sluice.labels" -}}
app.kubernetes.io/name: {{ include "sluice.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: sluice
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
The metadata of an object but for its name. Takes (dict "root" CONTEXT), and "namespace", "labels" and "annotations" where the
object has some of its own; the first are the weaker ones.
*/}}
{{- define "sluice.metadata" -}}
{{- $root := .root -}}
namespace: {{ default $root.Release.Namespace .namespace }}
{{- $labels := include "sluice.labels" $root | fromYaml }}
{{- range .labels }}
{{- $labels = merge (dict) (default dict .) $labels }}
{{- end }}
labels: {{- toYaml $labels | nindent 2 }}
{{- $annotations := dict }}
{{- range prepend (default list .annotations) $root.Values.commonAnnotations }}
{{- $annotations = merge (dict) (default dict .) $annotations }}
{{- end }}
{{- with $annotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "sluice.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{ .Values.image.repository }}:{{ $tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "sluice.adminSecret" -}}
{{- default (printf "%s-admin" (include "sluice.fullname" .)) .Values.admin.existingSecret }}
{{- end }}

{{/* Empty: the namespace's own. */}}
{{- define "sluice.serviceAccount" -}}
{{- with .Values.serviceAccount }}
{{- if .create }}{{ default (include "sluice.fullname" $) .name }}{{ else }}{{ .name }}{{ end }}
{{- end }}
{{- end }}
