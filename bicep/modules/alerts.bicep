metadata description = 'The rules of alerts.json, each telling the operators. Every one has a page in runbooks.'

import { localName } from '../names.bicep'

param code string
param location string
param workspaceId string

@description('The action group that is told.')
param operatorsId string

// bicep/local/alerts.yml has the same ones for Prometheus.
var alerts = loadJsonContent('../alerts.json')

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in alerts: {
    name: localName(code, alert.id)
    location: location
    kind: 'LogAlert'
    properties: {
      displayName: '${alert.title} (${code})'
      description: 'What it means and what to do: bicep/runbooks/${alert.id}.md'
      severity: alert.severity
      enabled: true
      scopes: [workspaceId]
      evaluationFrequency: alert.frequency
      windowSize: alert.window
      // A row is a complaint: the query itself holds the threshold, and says where.
      criteria: {
        allOf: [
          {
            query: replace(join(alert.kql, '\n'), '{threshold}', string(alert.threshold))
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      autoMitigate: true
      actions: { actionGroups: [operatorsId], customProperties: { runbook: 'bicep/runbooks/${alert.id}.md' } }
    }
  }
]
