{{/* What both autoscalers share. */}}

{{- define "sluice.scaleBehavior" -}}
scaleDown:
  # Each pod that goes takes sessions with it: one at a time, and only when the need has been less for five minutes.
  stabilizationWindowSeconds: 300
  policies: [{type: Pods, value: 1, periodSeconds: 300}]
scaleUp:
  stabilizationWindowSeconds: 0
  policies: [{type: Pods, value: 4, periodSeconds: 60}]
{{- end }}

{{/* Buffered bytes per pod: as set, or half of the budget. */}}
{{- define "sluice.targetBufferedBytes" -}}
{{- $set := .Values.autoscaling.targets.bufferedBytes }}
{{- $budget := include "sluice.maxBuffered" . }}
{{- if $set }}
{{- include "sluice.bytes" $set }}
{{- else if $budget }}
{{- div (include "sluice.bytes" $budget) 2 }}
{{- else }}
{{- fail "autoscaling.targets.bufferedBytes is empty and there is no memory limit to take it from; set it, such as 128Mi" }}
{{- end }}
{{- end }}
