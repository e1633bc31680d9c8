metadata description = 'Tells the operators when a month of this region costs more than planned, or is about to.'

import { budgetType } from '../types.bicep'
import { localName } from '../names.bicep'

param code string
param settings budgetType
param operatorsId string

resource budget 'Microsoft.Consumption/budgets@2023-11-01' = {
  name: localName(code, 'month')
  properties: {
    category: 'Cost'
    timeGrain: 'Monthly'
    amount: settings.amount
    timePeriod: { startDate: settings.startDate }
    notifications: {
      spent: notification('Actual', 90, operatorsId)
      forecast: notification('Forecasted', 110, operatorsId)
    }
  }
}

func notification(kind string, percent int, operatorsId string) object => {
  enabled: true
  thresholdType: kind
  operator: 'GreaterThanOrEqualTo'
  threshold: percent
  contactEmails: []
  contactGroups: [operatorsId]
}
